"""The settings of a conversion that decide its result."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

from temper.card import BatchRange
from temper.card.values import MAX_BATCH
from temper.errors import UsageError

CalibrationMethod = Literal["auto", "max", "percentile-99.999", "percentile"]
# Ranges change little after some hundred.
MAX_CALIBRATION_IMAGES = 100_000
DEFAULT_BATCH = BatchRange(1, 8, 32)
# What decides the result of fp16 and is no option. Later images may reach larger values than those that were measured.
RANGE_IMAGES = 64
SAFETY_FACTOR = 2.0
# The same by the function that temper.formats names: a card records them as settings.
CONSTANTS: dict[str, dict[str, Any]] = {
    "convert.precision.fp16:convert": {"range_images": RANGE_IMAGES, "safety_factor": SAFETY_FACTOR}
}
CALIBRATION_METHODS: tuple[CalibrationMethod, ...] = get_args(CalibrationMethod)


@dataclass(frozen=True, kw_only=True)
class ConversionSettings:
    """What a user may choose. Each format names those that matter to it (temper.formats.Conversion.settings).

    calibration_method: "percentile" is that of 99.99 %; "auto" tries all and takes the most accurate.
    calibration_images: number of training images.
    max_float_layers: layers that int8 may leave in floating point to pass the accuracy gate. batch: of a plan.
    builder_options: "name=value" words for TensorRT's builder; see convert.trt.build_options.
    Raises UsageError for a number that is too small or too large.
    """

    calibration_method: CalibrationMethod = "auto"
    calibration_images: int = 256
    seed: int = 0
    max_float_layers: int = 8
    batch: BatchRange = DEFAULT_BATCH
    builder_options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, smallest, largest in (
            ("calibration_images", 1, MAX_CALIBRATION_IMAGES),
            ("max_float_layers", 0, 1000),
        ):
            if not smallest <= getattr(self, name) <= largest:
                option = name.replace("_", "-")
                fix = f"Expected {smallest} or more, and {largest} at most."
                raise UsageError(f"--{option} is {getattr(self, name)}", fix=fix)

    def select(self, names: tuple[str, ...]) -> dict[str, Any]:
        """Some settings as plain JSON values, as a card records them."""
        values = {name: getattr(self, name) for name in names}
        return msgspec.json.decode(msgspec.json.encode(values), type=dict[str, Any])


def parse_batch(text: str) -> BatchRange:
    """The range of "1:8:32" = min:best:max. Raises UsageError when it is none, or not in order.

    >>> parse_batch("1:8:32").best
    8
    """
    try:
        smallest, best, largest = (int(part) for part in text.split(":"))
    except ValueError:
        smallest, best, largest = 0, 0, 0
    if not 1 <= smallest <= best <= largest <= MAX_BATCH:
        raise UsageError(
            f"{text!r} is not a range of batch sizes",
            fix=f"Expected min:best:max, each from 1 to {MAX_BATCH} and none below the one before, such as 1:8:32.",
        )
    return BatchRange(smallest, best, largest)
