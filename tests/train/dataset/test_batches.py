import warnings
from itertools import chain
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from train.config import NO_AUGMENTATION, TrainingConfig
from train.dataset.batches import augmented_batches, evaluation_batches, sample_weights
from train.dataset.decode import LabeledImages

pytestmark = pytest.mark.tensorflow
CONFIG = TrainingConfig(trainable="all", size=8, batch=4, augmentation=NO_AUGMENTATION)


@pytest.fixture
def images() -> LabeledImages:
    """Ten images, each of one color: its own number."""
    numbers = np.arange(10, dtype=np.uint8)
    return LabeledImages(
        np.broadcast_to(numbers[:, None, None, None], (10, 8, 8, 3)).copy(), np.eye(2, dtype=np.float32)[numbers % 2]
    )


def first_pixels(data: tf.data.Dataset, count: int) -> list[list[int]]:
    return [batch[0][:, 0, 0, 0].numpy().tolist() for batch in data.take(count)]


def test_each_epoch_has_every_image_once_in_an_order_of_its_own(images: LabeledImages) -> None:
    batches = first_pixels(augmented_batches(images, CONFIG), 6)
    first, second = [*chain(*batches[:3])], [*chain(*batches[3:])]
    assert sorted(first) == sorted(second) == list(range(10))
    assert [len(batch) for batch in batches] == [4, 4, 2] * 2
    assert batches[:3] != batches[3:]


def test_batches_begin_at_any_step(images: LabeledImages) -> None:
    everything = first_pixels(augmented_batches(images, CONFIG), 9)
    assert first_pixels(augmented_batches(images, CONFIG, epoch=0, step=2), 7) == everything[2:]
    assert first_pixels(augmented_batches(images, CONFIG, epoch=1, step=1), 5) == everything[4:]


def test_a_teacher_predicts_the_view_of_each_image_behind_its_label(images: LabeledImages) -> None:
    config = TrainingConfig(trainable="all", size=8, batch=4)

    def predict(
        rows: NDArray[np.int64], transforms: NDArray[np.float32], brightness: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        assert transforms.shape == (len(rows), 8)
        return np.stack([rows, brightness], axis=1).astype(np.float32)

    alone, taught = (augmented_batches(images, config, step=1, teacher=each).take(3) for each in (None, predict))
    for (pixels, targets, weights), (same, both, same_weights) in zip(alone, taught, strict=True):
        assert np.array_equal(pixels, same)
        assert np.array_equal(weights, same_weights)
        assert np.array_equal(targets, both[:, :2])
        rows, brightness = both[:, 2].numpy(), both[:, 3].numpy()
        assert np.array_equal(pixels[:, 0, 0, 0], np.round(rows * brightness))


def test_evaluation_has_every_image_once_in_order(images: LabeledImages) -> None:
    assert first_pixels(evaluation_batches(images), 2) == [list(range(10))]


def test_keras_knows_how_many_batches_an_evaluation_has(images: LabeledImages) -> None:
    model = keras.Sequential([keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile(loss="mse")
    with warnings.catch_warnings():
        # Without the number it warns that images are missing.
        warnings.simplefilter("error", UserWarning)
        batches = evaluation_batches(images)
        assert int(batches.cardinality()) == 1
        model.fit(batches, validation_data=evaluation_batches(images), epochs=2, shuffle=False, verbose=0)
        assert model.predict(batches, verbose=0).shape == (10, 2)


def test_workers_divide_a_batch_and_each_gets_an_image(images: LabeledImages, monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainingConfig(trainable="all", size=8, batch=9, augmentation=NO_AUGMENTATION)
    parts = []
    for worker in range(2):
        context = SimpleNamespace(num_replicas_in_sync=2, num_input_pipelines=2, input_pipeline_id=worker)
        strategy = SimpleNamespace(distribute_datasets_from_function=lambda make, context=context: make(context))
        monkeypatch.setattr(tf.distribute, "get_strategy", lambda strategy=strategy: strategy)
        parts.append(first_pixels(augmented_batches(images, config), 2))
    monkeypatch.undo()
    first, last = ([*a, *b] for a, b in zip(*parts, strict=True))
    assert len(first) == len(set(first)) == 9
    assert len(last) == 2
    assert set(first) | set(last) == set(range(10))


def test_balanced_weights_are_equal_for_every_label() -> None:
    targets = np.eye(3, dtype=np.float32)[[0] * 6 + [1] * 3 + [2]]
    weights = sample_weights(targets, "balanced")
    assert np.allclose(targets.T @ weights, 10 / 3)
    assert np.isclose(weights.mean(), 1)
    assert np.array_equal(sample_weights(targets, "none"), np.ones(10))
