"""The page of errors and their messages."""

import re

from docs.reference.message_source import KINDS, all_messages
from docs.reference.messages import page
from temper.exit_codes import ExitCode


def test_every_kind_of_error_has_a_section_with_its_exit_code() -> None:
    text = page()
    for kind, error in KINDS.items():
        assert f"## `{kind}`\n\nExit code {int(error.exit_code)}, `{error.exit_code.name}`. " in text
        assert f"[`{kind}`](#{kind.lower()})" in text


def test_every_exit_code_has_a_row() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", page(), re.MULTILINE)
    assert rows == [(str(each.value), each.name) for each in ExitCode]


def test_every_message_has_a_row() -> None:
    rows = [line for line in page().partition("## `UserError`")[2].splitlines() if line.startswith("| ")]
    # Each table has two lines of headings.
    tables = {each.kind for each in all_messages()}
    assert len(rows) == len(all_messages()) + 2 * len(tables)
