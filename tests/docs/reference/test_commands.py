"""The page of all commands."""

import argparse

from docs.reference.commands import COMMON, page, section
from docs.reference.parsers import all_parsers


def test_every_option_of_every_command_is_in_the_section_of_its_command() -> None:
    sections = {each.prog: section(each) for each in all_parsers()}
    for parser in all_parsers():
        for action in parser._actions:
            hidden = action.help == argparse.SUPPRESS or set(action.option_strings) & set(COMMON)
            missing = [flag for flag in action.option_strings if f"`{flag}" not in sections[parser.prog]]
            assert hidden or not missing, (parser.prog, missing)


def test_no_placeholder_of_argparse_is_left() -> None:
    text = page()
    assert "%(" not in text
    assert argparse.SUPPRESS not in text
    assert "--max-drop POINTS` | largest drop of top-1 accuracy, in percentage points (default: 0.5)" in text


def test_the_usage_has_required_options_and_arguments() -> None:
    text = page()
    assert "```\npython train/run.py --data FOLDER [options]\n```" in text
    assert "```\ntemper classify --engine ARTIFACT [options] [IMAGE …]\n```" in text
    assert "```\ntemper [options] COMMAND\n```" in text


def test_examples_of_a_description_are_code() -> None:
    assert "```\npython convert/run.py --precision int8\n" in page()
