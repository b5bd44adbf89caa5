import numpy as np

from data.near_duplicates import MAX_HASH_DISTANCE, find_neighbors, group_neighbors


def phash(n_bits: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """A hash with the first bits set: two of them differ in as many bits as their numbers."""
    return np.arange(64) < n_bits


def test_neighbors_are_earlier_images_within_the_distance_the_nearest_first() -> None:
    near = MAX_HASH_DISTANCE
    assert find_neighbors([phash(0), phash(near), phash(near + 1), phash(64)]) == {1: [0], 2: [1]}
    assert find_neighbors([phash(2), phash(0), phash(0)]) == {1: [0], 2: [1, 0]}


def test_groups_join_what_is_connected_and_leave_out_excluded_images() -> None:
    neighbors = {1: [0], 2: [1], 5: [4]}
    assert group_neighbors(neighbors, set()) == [[0, 1, 2], [4, 5]]
    assert group_neighbors(neighbors, {1}) == [[4, 5]]
    assert group_neighbors(neighbors, {0, 1, 4}) == []
    assert group_neighbors({}, set()) == []
