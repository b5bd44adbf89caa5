import hashlib
from pathlib import Path

import keras
import numpy as np
import pytest

from temper.dataset.split import Example
from tests.train.fitting.tiny_fit import small_data
from train.evaluation import suspect_labels
from train.fitting import strategies
from train.fitting.strategies import fastest_policy, find_learning_rate, train_all_layers, train_head

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize(
    ("flags", "policy"),
    [({"avx512_bf16", "fma"}, "mixed_bfloat16"), ({"amx_bf16"}, "mixed_bfloat16"), ({"fma"}, "float32")],
)
def test_bfloat16_is_used_where_the_processor_has_it(
    flags: set[str], policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strategies, "gpus", list)
    monkeypatch.setattr(strategies, "processor_flags", lambda: flags)
    assert fastest_policy() == policy


def test_a_head_is_trained_on_a_backbone_that_stays_the_same(
    tmp_path: Path, tiny_backbone: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suspect_labels, "MAX_PAIRS", 35)
    data = small_data(tmp_path, weights="file", trainable="head", augmentation_passes=1, patience=0)
    for subset, images in data.images.items():
        for index in range(len(images.pixels)):
            sha256 = hashlib.sha256(images.pixels[index].tobytes()).hexdigest()
            data.examples.append(Example(path=Path(sha256), label="cat", subset=subset, sha256=sha256))
    result = train_head(data, tiny_backbone)
    assert len(result.history["loss"]) == data.config.epochs
    assert result.seconds > 0
    # Of 18 images with 2 labels: features of the test images are only for a search for wrong labels.
    assert result.suspects is None
    assert sum(len(np.load(chunk)) for chunk in tmp_path.rglob("*.npy")) == 14
    before, after = (model.get_layer("conv5_1_conv").get_weights() for model in (tiny_backbone, result.model))
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_every_layer_is_trained_from_scratch(tmp_path: Path, tiny_backbone: keras.Model) -> None:
    data = small_data(tmp_path, epochs=1, patience=0)
    result = train_all_layers(data, None)
    # Zero before the training: each residual block starts as the identity.
    assert np.abs(result.model.get_layer("conv5_1_3_bn").get_weights()[0]).max() > 0


def test_the_range_test_tries_rising_rates(tmp_path: Path, tiny_backbone: keras.Model) -> None:
    result = find_learning_rate(small_data(tmp_path), None)
    assert len(result.rates) > 20
    assert list(result.rates) == sorted(result.rates)
