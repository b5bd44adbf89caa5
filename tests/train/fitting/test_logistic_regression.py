import numpy as np

from train.fitting.logistic_regression import PENALTIES, solve_head


def test_the_solution_is_the_optimum_of_a_separable_problem_and_generalises() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=(20, 3))
    features = (random.normal(size=(900, 20)) * np.linspace(0.1, 10, 20) + 5).astype(np.float32)
    centred = (features - 5) / np.linspace(0.1, 10, 20)
    targets = np.eye(3, dtype=np.float32)[(centred @ truth).argmax(axis=1)]
    found = solve_head(features[:600], targets[:600], features[600:], targets[600:])
    answers = (features[600:] @ found.weights + found.bias).argmax(axis=1)
    assert (answers == targets[600:].argmax(axis=1)).mean() > 0.93
    assert found.weights.dtype == np.float32


def test_noise_is_answered_with_the_strongest_penalty() -> None:
    random = np.random.default_rng(1)
    features = random.normal(size=(60, 100)).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)[random.integers(0, 2, 60)]
    found = solve_head(features[:40], targets[:40], features[40:], targets[40:])
    assert found.penalty == PENALTIES[0]


def test_weights_count_as_so_many_copies() -> None:
    random = np.random.default_rng(2)
    features = random.normal(size=(80, 6)).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)[(features[:, 0] + random.normal(size=80) > 1).astype(int)]
    weights = random.integers(1, 4, 80)
    copied = np.repeat(np.arange(80), weights)
    val = (features[:20], targets[:20])
    mean, scale = features[copied].mean(axis=0), features[copied].std(axis=0)
    # Equal standardisation, so that equal penalties mean the same.
    features = ((features - mean) / scale).astype(np.float32)
    many = solve_head(features[copied], targets[copied], *val)
    weighed = solve_head(features, targets, *val, weights=(weights / weights.mean()).astype(np.float32))
    alike = solve_head(features, targets, *val)
    assert np.abs(weighed.weights - many.weights).max() < 0.1 * np.abs(many.weights).max()
    assert np.abs(weighed.bias - many.bias).max() < np.abs(alike.bias - many.bias).max()
