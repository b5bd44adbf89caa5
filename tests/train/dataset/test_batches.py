from itertools import chain
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from train.config import Augmentation, TrainingConfig
from train.dataset.batches import Pictures, augmented, picture_weights

pytestmark = pytest.mark.tensorflow
NOTHING = Augmentation(0, 0, 0, 0, 0, flip=False)
RECIPE = TrainingConfig("none", "all", 8, 2, 4, 1e-3, augmentation=NOTHING)


@pytest.fixture
def pictures() -> Pictures:
    """Ten pictures, each of one colour: its own number."""
    numbers = np.arange(10, dtype=np.uint8)
    return Pictures(
        np.broadcast_to(numbers[:, None, None, None], (10, 8, 8, 3)).copy(), np.eye(2, dtype=np.float32)[numbers % 2]
    )


def shown(data: tf.data.Dataset, count: int) -> list[list[int]]:
    return [batch[0][:, 0, 0, 0].numpy().tolist() for batch in data.take(count)]


def test_each_epoch_shows_every_picture_once_in_an_order_of_its_own(pictures: Pictures) -> None:
    batches = shown(augmented(pictures, RECIPE), 6)
    first, second = [*chain(*batches[:3])], [*chain(*batches[3:])]
    assert sorted(first) == sorted(second) == list(range(10))
    assert [len(batch) for batch in batches] == [4, 4, 2] * 2
    assert batches[:3] != batches[3:]


def test_it_begins_at_any_step(pictures: Pictures) -> None:
    everything = shown(augmented(pictures, RECIPE), 9)
    assert shown(augmented(pictures, RECIPE, epoch=0, step=2), 7) == everything[2:]
    assert shown(augmented(pictures, RECIPE, epoch=1, step=1), 5) == everything[4:]


def test_workers_share_a_batch_out_and_none_goes_without(pictures: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = TrainingConfig("none", "all", 8, 2, 9, 1e-3, augmentation=NOTHING)
    parts = []
    for worker in range(2):
        context = SimpleNamespace(num_replicas_in_sync=2, num_input_pipelines=2, input_pipeline_id=worker)
        strategy = SimpleNamespace(distribute_datasets_from_function=lambda make, context=context: make(context))
        monkeypatch.setattr(tf.distribute, "get_strategy", lambda strategy=strategy: strategy)
        parts.append(shown(augmented(pictures, recipe), 2))
    monkeypatch.undo()
    first, last = ([*a, *b] for a, b in zip(*parts, strict=True))
    assert len(first) == len(set(first)) == 9
    assert len(last) == 2
    assert set(first) | set(last) == set(range(10))


def test_balanced_weights_let_labels_count_alike() -> None:
    targets = np.eye(3, dtype=np.float32)[[0] * 6 + [1] * 3 + [2]]
    weights = picture_weights(targets, "balanced")
    assert np.allclose(targets.T @ weights, 10 / 3)
    assert np.isclose(weights.mean(), 1)
    assert np.array_equal(picture_weights(targets, "none"), np.ones(10))
