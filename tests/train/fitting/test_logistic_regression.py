import tracemalloc

import numpy as np
import pytest

from train.fitting import logistic_regression
from train.fitting.logistic_regression import PENALTIES, Standardization, solve_head


def test_the_solution_generalizes_on_a_separable_problem() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=(20, 3))
    features = (random.normal(size=(900, 20)) * np.linspace(0.1, 10, 20) + 5).astype(np.float32)
    centered = (features - 5) / np.linspace(0.1, 10, 20)
    targets = np.eye(3, dtype=np.float32)[(centered @ truth).argmax(axis=1)]
    solution = solve_head(features[:600], targets[:600], features[600:], targets[600:])
    loss, accuracy = solution.evaluate(features[600:], targets[600:])
    assert accuracy > 0.93
    assert np.isclose(loss, solution.loss, rtol=1e-3)
    assert solution.weights.dtype == np.float32


def test_blocks_of_rows_give_the_same_solution(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    features = random.normal(size=(60, 5)).astype(np.float32)
    targets, weights = np.eye(3, dtype=np.float32)[random.integers(0, 3, 60)], random.uniform(0.5, 1.5, 60)
    arguments = (features[:41], targets[:41], features[41:], targets[41:], weights[:41].astype(np.float32))
    together = solve_head(*arguments)
    monkeypatch.setattr(logistic_regression, "BLOCK_NUMBERS", 2)
    apart = solve_head(*arguments)
    assert apart.penalty == together.penalty
    assert np.isclose(apart.loss, together.loss, rtol=1e-5)
    assert np.allclose(apart.weights, together.weights, atol=1e-4)
    assert np.allclose(apart.evaluate(features, targets), together.evaluate(features, targets), rtol=1e-4)


def test_passes_of_the_same_images_give_the_solution_of_all_rows_together() -> None:
    random = np.random.default_rng(4)
    passes, val = random.normal(size=(3, 20, 5)).astype(np.float32), random.normal(size=(9, 5)).astype(np.float32)
    targets, val_targets = (np.eye(2, dtype=np.float32)[random.integers(0, 2, n)] for n in (20, 9))
    weights = random.uniform(0.5, 1.5, 20).astype(np.float32)
    views = (np.broadcast_to(targets, (3, 20, 2)), val, val_targets, np.broadcast_to(weights, (3, 20)))
    rows = (np.tile(targets, (3, 1)), val, val_targets, np.tile(weights, 3))
    separate, together = solve_head(passes, *views), solve_head(passes.reshape(60, 5), *rows)
    assert separate.penalty == together.penalty
    assert np.allclose(separate.weights, together.weights, atol=1e-4)
    assert np.allclose(separate.evaluate(passes, views[0]), together.evaluate(passes.reshape(60, 5), rows[0]))


def test_features_are_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic_regression, "BLOCK_NUMBERS", 1 << 12)
    random = np.random.default_rng(5)
    features = random.normal(size=(20_000, 64)).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)[random.integers(0, 2, 20_000)]
    tracemalloc.start()
    solve_head(features, targets, features[:100], targets[:100], penalties=(1.0,))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < features.nbytes / 2


def test_the_standardization_is_exact_where_the_mean_is_much_larger_than_the_deviation() -> None:
    features = np.random.default_rng(6).normal(1000, [0.1, 1.0, 10.0], (2, 5000, 3)).astype(np.float32)
    exact, standardization = features.reshape(-1, 3).astype(np.float64), Standardization.of(features)
    assert np.allclose(standardization.mean, exact.mean(axis=0), rtol=1e-9)
    assert np.allclose(standardization.scale, exact.std(axis=0), rtol=1e-4)


@pytest.mark.parametrize("value", [0.0, 3.0, 100.0])
def test_constant_features_change_nothing(value: float) -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, 2, 600)
    features = (random.normal(size=(600, 8)) + labels[:, None]).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)[labels]
    # As a backbone gives them: the last bit depends on the batch.
    constant = (value * (1 + 2e-7 * random.random((600, 2)))).astype(np.float32)
    both = np.concatenate([features, constant], axis=1)
    alone = solve_head(features, targets, features, targets, penalties=(0.01,))
    together = solve_head(both, targets, both, targets, penalties=(0.01,))
    assert together.loss == pytest.approx(alone.loss, rel=1e-4)
    assert np.allclose(together.weights[:8], alone.weights, atol=1e-3)
    assert not together.weights[8:].any()


def test_for_noise_the_strongest_penalty_is_chosen() -> None:
    random = np.random.default_rng(1)
    features = random.normal(size=(60, 100)).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)[random.integers(0, 2, 60)]
    solution = solve_head(features[:40], targets[:40], features[40:], targets[40:])
    assert solution.penalty == PENALTIES[0]


def test_a_sample_weight_has_the_effect_of_copies() -> None:
    random = np.random.default_rng(2)
    features = random.normal(size=(80, 6)).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)[(features[:, 0] + random.normal(size=80) > 1).astype(int)]
    weights = random.integers(1, 4, 80)
    copied = np.repeat(np.arange(80), weights)
    val = (features[:20], targets[:20])
    mean, scale = features[copied].mean(axis=0), features[copied].std(axis=0)
    # Equal standardization, so that equal penalties mean the same.
    features = ((features - mean) / scale).astype(np.float32)
    expected = solve_head(features[copied], targets[copied], *val)
    weighted = solve_head(features, targets, *val, sample_weights=(weights / weights.mean()).astype(np.float32))
    unweighted = solve_head(features, targets, *val)
    assert np.abs(weighted.weights - expected.weights).max() < 0.1 * np.abs(expected.weights).max()
    assert np.abs(weighted.bias - expected.bias).max() < np.abs(unweighted.bias - expected.bias).max()
