from pathlib import Path

import pytest

from docs.readme.blocks import README, WRITERS, renewed, update

EMPTY = "".join(f"<!-- {name} -->\nold\n<!-- end -->\n" for name in WRITERS)


def test_the_generated_parts_of_the_readme_are_current() -> None:
    text = README.read_text(encoding="utf-8")
    assert renewed(text) == text, "python docs/readme/run.py"


def test_the_readme_is_short_and_its_lines_are_too() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 200
    assert not [line for line in lines if len(line) >= 100]


def test_an_update_replaces_the_generated_parts_alone(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"before\n{EMPTY}after\n", encoding="utf-8")
    update(page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- demo -->\n```\n")
    assert text.endswith("\n<!-- end -->\nafter\n")
    assert "old" not in text.splitlines()
    assert renewed(text) == text


@pytest.mark.parametrize("text", ["text\n", f"{EMPTY}{EMPTY}"])
def test_a_page_without_its_places_is_unchanged(text: str, tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(text)
    with pytest.raises(ValueError, match="each of these parts once"):
        update(page)
    assert page.read_text() == text
