import numpy as np

from experiments.deployed_head.heads import compare_heads


def test_a_head_of_its_own_features_repairs_what_a_rotation_has_spoiled() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 400)
    exact = (4 * np.eye(3)[labels] + random.normal(size=(400, 3))).astype(np.float32)
    result = compare_heads(exact, exact[:, [1, 2, 0]], labels, seed=0)
    assert result.exact[0] > 0.95
    assert result.today[0] < 0.2 > result.agree_today
    assert result.deployed[0] > 0.95 < result.agree_deployed
    assert result.deployed[1] < result.today[1]


def test_equal_features_give_equal_heads() -> None:
    random = np.random.default_rng(1)
    features, labels = random.normal(size=(100, 4)).astype(np.float32), random.integers(0, 2, 100)
    result = compare_heads(features, features, labels, seed=0)
    assert result.exact == result.today == result.deployed
    assert result.agree_today == result.agree_deployed == 1
