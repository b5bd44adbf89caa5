import time
from pathlib import Path

import numpy as np

from temper.artifact import Artifact
from temper.runners.load import open_runner
from temper.serve.workers.child import Slot, predict_slot, warm_up_sizes
from tests import tiny
from tests.temper.serve.serving import noise, predicted


def test_images_whose_deadline_has_passed_are_not_predicted(onnx: Path) -> None:
    images, now = noise(4), time.monotonic()
    memory = bytearray(Slot.bytes_for(4, tiny.SIZE, 2))
    slot = Slot.over(memory, 4, tiny.SIZE, 2)
    slot.images[:] = images
    with open_runner(Artifact.at(onnx)) as runner:
        predict_slot(runner, slot, [now + 60, now - 1, now + 60])
    assert np.isnan(slot.probabilities[1]).all()
    np.testing.assert_allclose(slot.probabilities[[0, 2]], predicted(onnx, images[[0, 2]]), atol=1e-5)


def test_a_slot_of_an_odd_size_is_aligned() -> None:
    slot = Slot.over(bytearray(Slot.bytes_for(1, 3, 5)), 1, 3, 5)
    assert slot.images.shape == (1, 3, 3, 3)
    assert slot.probabilities.shape == (1, 5)


def test_small_batches_are_all_tried_before_the_first_request() -> None:
    assert warm_up_sizes(1) == [1]
    assert warm_up_sizes(128) == [1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 128]
