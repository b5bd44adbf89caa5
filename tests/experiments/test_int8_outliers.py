from pathlib import Path

import keras
import numpy as np
import pytest

from experiments.int8_outliers import FACTOR, parse, run, scale_channel
from temper.artifact import Artifact
from temper.card import Card, write_card

pytestmark = pytest.mark.tensorflow


def block() -> keras.Model:
    """Two convolutions with a BatchNorm and a ReLU between them, named as in ResNet50; the outputs of both."""
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 3))
    normalization = keras.layers.BatchNormalization(name="conv3_block2_1_bn")
    hidden = keras.layers.ReLU()(normalization(keras.layers.Conv2D(4, 3)(images)))
    model = keras.Model(images, [hidden, keras.layers.Conv2D(5, 3, name="conv3_block2_2_conv")(hidden)])
    gamma, beta, *moving = normalization.get_weights()
    normalization.set_weights([gamma * [1, 3, 1, 1], beta, *moving])
    return model


def outputs_of(model: keras.Model) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float32]], ...]:
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    return tuple(np.asarray(each) for each in model(images))


def test_the_outputs_are_equal_and_the_range_of_one_channel_grows() -> None:
    model = block()
    hidden_before, before = outputs_of(model)
    scale_channel(model.get_layer("conv3_block2_1_bn"), model.get_layer("conv3_block2_2_conv"))
    hidden_after, after = outputs_of(model)
    assert np.allclose(before, after, atol=1e-4)
    assert np.allclose(hidden_after[..., 1], FACTOR * hidden_before[..., 1], rtol=1e-4)
    assert np.allclose(hidden_after[..., 0], hidden_before[..., 0])


def test_the_program_writes_the_model_with_a_card_of_its_own(tmp_path: Path) -> None:
    source, target = tmp_path / "model.keras", tmp_path / "outliers" / "model.keras"
    block().save(source)
    write_card(source, Card(labels=("cat", "dog"), size=8, sha256=Artifact.at(source).sha256()))
    run(parse([str(source), str(target), "--blocks", "conv3_block2"]))
    assert Artifact.at(target).verified().card.labels == ("cat", "dog")
    before, after = (outputs_of(keras.saving.load_model(path)) for path in (source, target))
    assert np.allclose(before[1], after[1], atol=1e-4)
    assert after[0].max() > 100 * before[0].max()
