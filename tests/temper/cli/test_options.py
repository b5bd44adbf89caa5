# option() calls dataclasses.field, which ruff does not see.
# ruff: noqa: RUF009

import argparse
from dataclasses import MISSING, dataclass
from pathlib import Path

import pytest

from temper.cli.options import add_option, check_limits, fields_of, option
from temper.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Settings:
    data: Path = option(MISSING, "files", "the images")
    batch_size: int = option(8, "speed", "images in a batch", limits=(1, 64))
    rate: float = option(0.1, "speed", "a rate", metavar="RATE")
    flip: bool = option(True, "speed", "do not flip")
    quick: bool = option(False, "speed", "measure less")
    mode: str = option("a", "speed", "a mode", choices=("a", "b"))
    plain: int = 3


FIELDS = fields_of(Settings)


def parse(*words: str, has_default: bool = True) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for each in FIELDS:
        add_option(parser, each, "help", has_default=has_default)
    return parser.parse_args(["--data", "photos", *words])


def test_every_field_with_an_option_is_parsed_to_its_type_and_default() -> None:
    assert [each.name for each in FIELDS] == ["data", "batch_size", "rate", "flip", "quick", "mode"]
    expected = {"data": Path("photos"), "batch_size": 8, "rate": 0.1, "flip": True, "quick": False, "mode": "a"}
    assert vars(parse()) == expected
    given = vars(parse("--batch-size", "2", "--rate", "1e-3", "--no-flip", "--quick", "--mode", "b"))
    assert given == {"data": Path("photos"), "batch_size": 2, "rate": 1e-3, "flip": False, "quick": True, "mode": "b"}


def test_an_option_without_a_default_of_its_own_is_none() -> None:
    assert parse(has_default=False).batch_size is None


@pytest.mark.parametrize(("value", "is_allowed"), [("0", False), ("1", True), ("64", True), ("65", False)])
def test_numbers_outside_their_limits_are_refused(value: str, is_allowed: bool) -> None:
    if is_allowed:
        check_limits(parse("--batch-size", value), FIELDS)
    else:
        with pytest.raises(UsageError, match=f"--batch-size is {value}. Expected a number from 1 to 64"):
            check_limits(parse("--batch-size", value), FIELDS)
