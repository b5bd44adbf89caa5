import re

from docs.readme.comparison import PAGE, states

STATES = {"yes", "part", "no", "?", "–"}
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in states().splitlines()]


def test_every_cell_is_a_state_but_for_the_license() -> None:
    names, _, *features = ROWS
    assert names[1] == "Temper"
    assert {len(row) for row in ROWS} == {len(names)}
    assert not {cell for row in features for cell in row[1:] if row[0] != "license"} - STATES


def test_rows_in_which_others_are_ahead_come_first() -> None:
    ahead = [row[1] in ("no", "part") for row in ROWS[2:]]
    assert any(ahead)
    assert ahead == sorted(ahead, reverse=True)


def test_every_tool_has_a_section_with_what_was_read() -> None:
    sections = dict(
        re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    )
    for name in ROWS[0][2:]:
        text = next(text for heading, text in sections.items() if heading.startswith(name))
        assert "Read: [" in text
        assert "https://" in text
