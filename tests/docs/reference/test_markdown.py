"""Text as Markdown."""

import pytest

from docs.reference.markdown import code, prose, sentence, table


def test_a_cell_has_no_line_break_and_no_bar() -> None:
    cell = sentence("one|two\nthree")
    assert cell == "one\\|two<br>three"
    assert table(["x"], [[cell]]).count("\n") == 2


def test_options_and_indented_lines_are_code() -> None:
    assert sentence("Name it with --out, or:\n    pip install x") == "Name it with `--out`, or:<br>`pip install x`"


def test_a_sentence_is_no_markup() -> None:
    assert sentence("<b> *x* a_b") == r"&lt;b&gt; \*x\* a\_b"


def test_only_known_names_begin_an_item() -> None:
    text = prose("Cut it. Note: once.\n\nsize: in pixels, as\nhere. Note: a square.", ["size"])
    assert text == "Cut it. Note: once.\n\n* `size`: in pixels, as here. Note: a square."


def test_an_example_is_code() -> None:
    assert prose("Add.\n\n>>> 1 + 1\n2") == "Add.\n\n```pycon\n>>> 1 + 1\n2\n```"


def test_a_bar_in_code_stays_in_its_cell() -> None:
    markdown = pytest.importorskip("markdown", reason="mkdocs is not installed: pip install -r requirements-docs.txt")
    shown = markdown.markdown(table(["x", "y"], [[code("imagenet|none"), sentence("a|b")]]), extensions=["tables"])
    assert "<td><code>imagenet|none</code></td>\n<td>a|b</td>" in shown
