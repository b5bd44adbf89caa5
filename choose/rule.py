"""The rule of the choice, on the figures of validation images; and the Pareto front."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from choose.records import Measured

DEFAULT_MAX_LOSS = 1.0
# In floating point 0.9475 - 0.9375 is a little more than a percentage point.
ROUNDING = 1e-6


class Limits(Struct, frozen=True, kw_only=True):
    """What a network may cost; None for any.

    max_ms: median latency at batch 1. min_images_per_second: at the best batch size measured. max_megabytes: millions
    of bytes. max_loss: percentage points below the most accurate artifact, on validation images. min_accuracy: percent
    of validation images.
    """

    max_ms: float | None = None
    min_images_per_second: float | None = None
    max_megabytes: float | None = None
    max_loss: float | None = None
    min_accuracy: float | None = None

    @property
    def applied_max_loss(self) -> float | None:
        """The limit of the loss: the default where neither it nor an accuracy is given."""
        return DEFAULT_MAX_LOSS if self.max_loss is None and self.min_accuracy is None else self.max_loss

    def sentence(self) -> str:
        """The rule in words."""
        loss = self.applied_max_loss
        parts = [
            *([f"a median latency of at most {self.max_ms:g} ms"] if self.max_ms is not None else []),
            *([f"at least {self.min_images_per_second:g} images/s"] if self.min_images_per_second is not None else []),
            *([f"at most {self.max_megabytes:g} MB"] if self.max_megabytes is not None else []),
            *([f"an accuracy of at least {self.min_accuracy:g} %"] if self.min_accuracy is not None else []),
            *([f"an accuracy at most {_points(loss)} below the most accurate artifact"] if loss is not None else []),
        ]
        return f"The rule takes the fastest artifact with {' and '.join(parts)}, on validation images."


def choose_artifact(measured: Sequence["Measured"], limits: Limits) -> "Measured | None":
    """The artifact with the lowest median latency of those within all limits; None where there is none."""
    within = [each for each in measured if not violations(each, measured, limits)]
    # Of equally fast ones, the more accurate.
    return min(within, key=lambda each: (each.milliseconds, -each.validation.value), default=None)


def violations(one: "Measured", measured: Sequence["Measured"], limits: Limits) -> list[str]:
    """The limits that an artifact exceeds, in words; empty when it may be chosen."""
    accuracy = 100 * one.validation.value
    loss = 100 * max(each.validation.value for each in measured) - accuracy
    max_loss = limits.applied_max_loss
    checks = [
        (limits.max_ms, one.milliseconds, "{:.2f} ms, more than {:g}", 1),
        (limits.min_images_per_second, one.images_per_second, "{:.1f} images/s, fewer than {:g}", -1),
        (limits.max_megabytes, one.megabytes, "{:.1f} MB, more than {:g}", 1),
        (limits.min_accuracy, accuracy, "{:.1f} % accurate, less than {:g}", -1),
        (max_loss, loss, "{:.1f} points below the most accurate, more than {:g}", 1),
    ]
    return [
        text.format(value, limit)
        for limit, value, text, sign in checks
        if limit is not None and sign * (value - limit) > ROUNDING
    ]


def pareto_front(measured: Sequence["Measured"]) -> list["Measured"]:
    """Artifacts that no other one equals in latency and validation accuracy and exceeds in one of them; fastest first.

    Of artifacts with equal figures, the first is taken.
    """
    front: list[Measured] = []
    for each in sorted(measured, key=lambda each: (each.milliseconds, -each.validation.value)):
        if not front or each.validation.value > front[-1].validation.value:
            front.append(each)
    return front


def _points(number: float) -> str:
    return f"{number:g} point{'' if number == 1 else 's'}"
