"""What is asked of a conversion."""

from dataclasses import dataclass

from temper.card import Precision


@dataclass(frozen=True)
class ConversionSettings:
    """The settings that decide a result.

    method: of calibration, "auto" for the best of all. pictures: how many calibrate. most_kept: layers that int8 may
    leave in float. batch: smallest, best and largest batch of a plan. builder: words to its compiler, as
    convert/trt/build_options.py explains them.
    """

    precision: Precision
    method: str = "auto"
    pictures: int = 256
    seed: int = 0
    most_kept: int = 8
    batch: tuple[int, int, int] = (1, 8, 32)
    builder: tuple[str, ...] = ()
