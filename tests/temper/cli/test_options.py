# option() calls dataclasses.field, which ruff does not see.
# ruff: noqa: RUF009

import argparse
from dataclasses import MISSING, dataclass
from pathlib import Path

import pytest

from temper.cli.options import (
    add_decoding_options,
    add_help_all,
    add_option,
    check_limits,
    decoding_of,
    fields_of,
    option,
)
from temper.errors import UsageError
from temper.images import Decoding


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


def decoding_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    add_decoding_options(parser)
    add_help_all(parser)
    return parser


def test_the_decoding_is_that_of_the_options() -> None:
    assert decoding_of(decoding_parser().parse_args([])) == Decoding()
    chosen = decoding_parser().parse_args(["--full-decode", "--max-pixels", "1000"])
    assert decoding_of(chosen) == Decoding(full=True, max_pixels=1000)


def test_rare_options_are_in_the_complete_help_only(capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for word in ("--help", "--help-all"):
        with pytest.raises(SystemExit) as ended:
            decoding_parser().parse_args([word])
        assert not ended.value.code
        texts.append(capsys.readouterr().out)
    assert ["--max-pixels" in text for text in texts] == [False, True]
    assert "89478485" in texts[1]


@pytest.mark.parametrize("word", ["0", "-1", "x", "1.5", "٣", "178956971"])
def test_a_number_outside_of_its_range_is_refused(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        decoding_parser().parse_args(["--max-pixels", word])
    assert "expected a whole number from 1 to 178956970" in capsys.readouterr().err
