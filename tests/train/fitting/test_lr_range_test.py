from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from train.evaluation.charts import draw_rates
from train.fitting.lr_range_test import HIGHEST, LOWEST, LrRangeTest, sweep_rates

pytestmark = pytest.mark.tensorflow
LOSS = keras.losses.CategoricalCrossentropy()
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def batches(seed: int = 0) -> Iterator[Arrays]:
    random = np.random.default_rng(seed)
    while True:
        x = random.normal(size=(16, 8)).astype(np.float32)
        yield x, np.eye(2, dtype=np.float32)[(x[:, 0] > 0).astype(int)], np.ones(16, np.float32)


def model(seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(2, activation="softmax")])


def test_the_rate_it_suggests_trains_and_the_highest_does_not_train_better() -> None:
    tried = sweep_rates(model(), batches(), LOSS)
    assert tried.rates[0] == pytest.approx(LOWEST)
    assert tried.suggestion and 1e-3 < tried.suggestion < HIGHEST
    learnt = {}
    for rate in (LOWEST, tried.suggestion):
        one = model()
        one.compile(keras.optimizers.Adam(rate), LOSS)
        losses = [float(one.train_on_batch(*batch)) for batch, _ in zip(batches(seed=1), range(100), strict=False)]
        learnt[rate] = losses[-1]
    assert learnt[tried.suggestion] < 0.7 * learnt[LOWEST]


def test_equal_seeds_give_equal_tests() -> None:
    assert sweep_rates(model(), batches(), LOSS, 30) == sweep_rates(model(), batches(), LOSS, 30)


def test_it_stops_where_the_loss_explodes() -> None:
    explosive = keras.Sequential(
        [keras.Input((8,)), *(keras.layers.Dense(64) for _ in range(4)), keras.layers.Dense(2)]
    )
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    tried = sweep_rates(explosive, batches(), loss)
    assert tried.rates[-1] < HIGHEST


def test_a_loss_that_never_falls_suggests_nothing() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 120)
    rises = np.maximum(0, np.arange(120) - 80) / 40
    assert LrRangeTest(tuple(np.geomspace(1e-6, 1, 120)), tuple(0.7 + noise + rises)).suggestion is None


def test_the_middle_of_a_fall_is_suggested() -> None:
    rates = tuple(np.geomspace(1e-6, 1, 121).tolist())
    losses = tuple((0.7 - 0.6 / (1 + np.exp(-(np.arange(121) - 70) / 4))).tolist())
    assert LrRangeTest(rates, losses).suggestion == pytest.approx(rates[70], rel=0.01)


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    draw_rates(tmp_path / "rates.png", sweep_rates(model(), batches(), LOSS))
    assert (tmp_path / "rates.png").stat().st_size > 5000
