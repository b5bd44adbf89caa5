import numpy as np
import pytest

from train.fitting import logistic_regression
from train.fitting.logistic_regression import PENALTIES, solve_head


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
