"""The accuracy gate: may an artifact stand in for the Keras model? Decided on paired held-out pictures."""

import math
from dataclasses import dataclass

from convert.verification.parity import Agreement
from temper.card import Precision
from temper.intervals import drop_interval, wilson

# 0.9475 - 0.9425 is a little more than half a point to a computer.
ROUNDING = 1e-6
MIN_AGREEMENT: dict[Precision, float] = {"fp32": 99.9, "fp16": 99.0, "int8": 97.0}


@dataclass(frozen=True)
class Limits:
    """What a conversion may cost at most: points of top-1, points of one label's recall; and the least agreement, %.

    A single picture is never evidence: each limit allows one. min_agreement: None for that of the precision.
    """

    max_drop: float = 0.5
    max_class_drop: float = 2.0
    min_agreement: float | None = None


def violations(found: Agreement, limits: Limits, precision: Precision) -> list[str]:
    """Why the artifact is refused, a sentence each; empty when it passes."""
    said = []
    asked = MIN_AGREEMENT[precision] if limits.min_agreement is None else limits.min_agreement
    drop = 100 * (found.keras_top1 - found.top1)
    low, high = (100 * bound for bound in drop_interval(found.lost, found.won, found.pictures))
    if drop > limits.max_drop + ROUNDING and found.lost - found.won > 1:
        said.append(
            f"top-1 falls by {drop:.1f} points [{low:.1f}, {high:.1f}] (McNemar p = "
            f"{mcnemar(found.lost, found.won):.2g}); at most {limits.max_drop:g} are allowed"
        )
    changed = len(found.flips)
    if 100 * found.agreement < asked - ROUNDING and changed > 1:
        least, most = (100 * bound for bound in wilson(found.pictures - changed, found.pictures))
        said.append(
            f"{changed} of {found.pictures} pictures change their label: {100 * found.agreement:.1f} % agree "
            f"[{least:.1f}, {most:.1f}]; at least {asked:g} % are asked"
        )
    if 100 * found.class_drop > limits.max_class_drop + ROUNDING and found.lost > 1:
        said.append(
            f"the recall of {found.worst_class!r} falls by {100 * found.class_drop:.1f} points; at most "
            f"{limits.max_class_drop:g} are allowed"
        )
    return said


def mcnemar(lost: int, won: int) -> float:
    """Two-sided exact p-value of McNemar's test on the pictures that only one side labels right."""
    n = lost + won
    tail: float = sum(math.comb(n, i) for i in range(min(lost, won) + 1)) / 2**n
    return min(1.0, 2 * tail)
