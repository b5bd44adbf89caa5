"""Near-duplicates: pairs of perceptual hashes that differ in a few bits, and the groups that the pairs form."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# Of 64 bits: scaled or recompressed copies of a photo differ in fewer, different photos in about half of them.
MAX_HASH_DISTANCE = 3

# For an image, by index: the earlier images that are near-duplicates of it, the nearest first.
Neighbors = dict[int, list[int]]


def find_neighbors(phashes: list[NDArray[np.bool_]]) -> Neighbors:
    """The earlier near-duplicates of each image that has any. phashes: bool [64] each."""
    bits = np.array(phashes, dtype=np.uint8)
    neighbors: Neighbors = {}
    for index in range(1, len(bits)):
        distance = (bits[:index] != bits[index]).sum(axis=1)
        near = np.flatnonzero(distance <= MAX_HASH_DISTANCE)
        if near.size:
            neighbors[index] = near[distance[near].argsort(kind="stable")].tolist()
    return neighbors


def group_neighbors(neighbors: Neighbors, excluded: set[int]) -> list[list[int]]:
    """Groups of two or more images; each is a near-duplicate of another one in its group, not of all."""
    pairs = [(i, j) for i, others in neighbors.items() for j in others if not {i, j} & excluded]
    if not pairs:
        return []
    rows, columns = np.array(pairs).T
    size = int(max(rows.max(), columns.max())) + 1
    _, group_of = connected_components(coo_array((np.ones(len(pairs)), (rows, columns)), (size, size)))
    groups: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(group_of.tolist()):
        groups[group].append(index)
    return [group for group in groups.values() if len(group) > 1]
