"""Which pictures calibrate: from the training part, all labels in turn, drawn by a seed, and written down."""

import hashlib
import itertools
from typing import Any

from temper.dataset.split import Example, share
from temper.errors import UserError

# Below this many, ranges miss what the next pictures hold; NVIDIA advises 500 or more.
FEW = 128


def draw_sample(examples: list[Example], count: int, seed: int) -> list[Example]:
    """`count` examples, or all if there are fewer, every label in turn, in an order that the seed alone decides."""
    if not examples:
        raise UserError(
            "There are no training pictures to calibrate with. Train with more, or name their folder: --data."
        )
    shuffled = sorted(examples, key=lambda each: share(each.sha256, seed))
    labels = sorted({each.label for each in examples})
    turns = [[each for each in shuffled if each.label == label] for label in labels]
    dealt = itertools.chain.from_iterable(itertools.zip_longest(*turns))
    return [each for each in dealt if each is not None][:count]


def describe_sample(sample: list[Example], seed: int) -> dict[str, Any]:
    """What a card says of the pictures: count, seed, names, and one hash over their contents."""
    digest = hashlib.sha256("".join(each.sha256 for each in sample).encode()).hexdigest()
    return {
        "pictures": len(sample),
        "seed": seed,
        "sha256": digest,
        "files": [f"{each.label}/{each.path.name}" for each in sample],
    }
