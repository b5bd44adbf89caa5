from collections.abc import Iterator

import keras
import numpy as np
import pytest

from temper.errors import DataError
from train.fitting.lr_range_test import MAX_RATE, MIN_RATE, LrRangeResult, lr_range_test

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


def test_the_suggested_rate_trains_better_than_the_lowest() -> None:
    result = lr_range_test(model(), batches(), LOSS)
    assert result.rates[0] == pytest.approx(MIN_RATE)
    assert result.suggestion and 1e-3 < result.suggestion < MAX_RATE
    final_losses = {}
    for rate in (MIN_RATE, result.suggestion):
        trained = model()
        trained.compile(keras.optimizers.Adam(rate), LOSS)
        losses = [float(trained.train_on_batch(*batch)) for batch, _ in zip(batches(seed=1), range(100), strict=False)]
        final_losses[rate] = losses[-1]
    assert final_losses[result.suggestion] < 0.7 * final_losses[MIN_RATE]


def test_equal_seeds_give_equal_results() -> None:
    assert lr_range_test(model(), batches(), LOSS, 30) == lr_range_test(model(), batches(), LOSS, 30)


def test_the_test_ends_where_the_loss_diverges() -> None:
    divergent = keras.Sequential(
        [keras.Input((8,)), *(keras.layers.Dense(64) for _ in range(4)), keras.layers.Dense(2)]
    )
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    result = lr_range_test(divergent, batches(), loss)
    assert result.rates[-1] < MAX_RATE


def test_nothing_is_suggested_where_the_loss_never_falls() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 120)
    rises = np.maximum(0, np.arange(120) - 80) / 40
    assert LrRangeResult(tuple(np.geomspace(1e-6, 1, 120)), tuple(0.7 + noise + rises)).suggestion is None


def test_the_rate_of_the_steepest_descent_is_suggested() -> None:
    rates = tuple(np.geomspace(1e-6, 1, 121).tolist())
    losses = tuple((0.7 - 0.6 / (1 + np.exp(-(np.arange(121) - 70) / 4))).tolist())
    assert LrRangeResult(rates, losses).suggestion == pytest.approx(rates[70], rel=0.01)


def test_a_loss_that_is_not_a_number_from_the_first_step_on_is_an_error_with_the_remedy() -> None:
    damaged = model()
    damaged.set_weights([np.full_like(each, np.nan) for each in damaged.get_weights()])
    with pytest.raises(DataError, match=r"not a number.*--weights"):
        lr_range_test(damaged, batches(), LOSS)
