"""The parsers that the reference is made of."""

import pytest

from docs.reference.parsers import all_parsers, commands_of, parser_of
from temper.cli import main


def test_every_command_has_its_parser() -> None:
    programs = [each.prog for each in all_parsers()]
    assert len(set(programs)) == len(programs)
    assert {f"temper {name}" for name in main.COMMANDS} < set(programs)
    assert {"python train/run.py", "python convert/run.py adopt", "python benchmarks/run.py compare"} < set(programs)


def test_rare_options_are_there_with_their_help() -> None:
    (rare,) = (each for each in parser_of(main.parse, ["classify"])._actions if "--max-pixels" in each.option_strings)
    assert "refuse an image" in str(rare.help)


def test_a_parser_lists_its_commands_in_their_order() -> None:
    assert list(commands_of(parser_of(main.parse, []))) == list(main.COMMANDS)


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    parser_of(main.parse, ["doctor"])
    assert capsys.readouterr() == ("", "")
