"""The accuracy gate: may an artifact replace the Keras model? Decided on paired predictions for held-out images."""

import math
from dataclasses import dataclass

from temper.card import Agreement, Precision
from temper.errors import UsageError
from temper.intervals import drop_interval, wilson

# In floating point 0.9475 - 0.9425 is a little more than half a percentage point.
ROUNDING = 1e-6
MIN_AGREEMENT: dict[Precision, float] = {"fp32": 99.9, "fp16": 99.0, "int8": 97.0}


@dataclass(frozen=True, kw_only=True)
class GateLimits:
    """What a conversion may cost. A single image is never evidence: each limit allows one.

    max_drop: percentage points of top-1 accuracy. max_class_drop: percentage points of one label's recall.
    min_agreement: percent of labels equal to Keras; None for the default of the precision.
    Raises UsageError for a limit that is not in [0, 100].
    """

    max_drop: float = 0.5
    max_class_drop: float = 2.0
    min_agreement: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_drop", "max_class_drop", "min_agreement"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 100:
                option = name.replace("_", "-")
                raise UsageError(f"--{option} is {value:g}", fix="Expected a number from 0 to 100.")


def violations(agreement: Agreement, limits: GateLimits, precision: Precision) -> list[str]:
    """Why the artifact is rejected, one sentence for each limit; empty when it passes."""
    checks = (
        _top1_drop(agreement, limits.max_drop),
        _label_changes(agreement, MIN_AGREEMENT[precision] if limits.min_agreement is None else limits.min_agreement),
        _recall_drop(agreement, limits.max_class_drop),
    )
    return [violation for violation in checks if violation]


def mcnemar(regressed: int, improved: int) -> float:
    """Two-sided exact p-value of McNemar's test on the images that only one of two models classifies correctly.

    >>> mcnemar(5, 0)
    0.0625
    """
    n = regressed + improved
    tail: float = sum(math.comb(n, i) for i in range(min(regressed, improved) + 1)) / 2**n
    return min(1.0, 2 * tail)


def _top1_drop(agreement: Agreement, limit: float) -> str:
    drop = 100 * (agreement.keras_top1 - agreement.top1)
    if drop <= limit + ROUNDING or agreement.regressed - agreement.improved <= 1:
        return ""
    low, high = (100 * bound for bound in drop_interval(agreement.regressed, agreement.improved, agreement.images))
    p = mcnemar(agreement.regressed, agreement.improved)
    return (
        f"top-1 accuracy drops by {drop:.1f} percentage points [{low:.1f}, {high:.1f}] (McNemar p = {p:.2g}); "
        f"the limit is {limit:g}"
    )


def _label_changes(agreement: Agreement, limit: float) -> str:
    changed = len(agreement.flips)
    if 100 * agreement.agreement >= limit - ROUNDING or changed <= 1:
        return ""
    low, high = (100 * bound for bound in wilson(agreement.images - changed, agreement.images))
    return (
        f"{changed} of {agreement.images} images change their label: the agreement is "
        f"{100 * agreement.agreement:.1f} % [{low:.1f}, {high:.1f}]; the limit is {limit:g} %"
    )


def _recall_drop(agreement: Agreement, limit: float) -> str:
    if 100 * agreement.class_drop <= limit + ROUNDING or agreement.regressed <= 1:
        return ""
    return (
        f"the recall of {agreement.worst_class!r} drops by {100 * agreement.class_drop:.1f} percentage points; "
        f"the limit is {limit:g}"
    )
