from pathlib import Path

import keras
import numpy as np
import pytest

from experiments.training_time.tutorial_loop import Arrays, Loop, run_loop
from temper.dataset.split import SUBSETS, Subset

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "resnet50.weights.h5"
    keras.applications.ResNet50(weights=None, include_top=False).save_weights(path)
    return path


@pytest.mark.slow
def test_a_loop_ends_after_its_epochs_or_at_the_target(weights: Path) -> None:
    random = np.random.default_rng(0)
    subsets: dict[Subset, Arrays] = {
        name: (random.integers(0, 255, (8, 32, 32, 3), dtype=np.uint8), np.arange(8) % 2) for name in SUBSETS
    }
    result = run_loop(weights, subsets, Loop(steps=1, max_epochs=2))
    assert len(result.epochs) == 2
    assert 0 < result.epochs[0][0] < result.epochs[1][0]
    assert 0 <= result.epochs[1][1] <= 8
    assert result.is_wrong.shape == (8,)
    early = run_loop(weights, subsets, Loop(steps=1, max_epochs=20, target=1))
    assert len(early.epochs) < 20
