import os

import numpy as np
import pytest

from temper.escaping import csv_cell, csv_text, in_markdown, original_name, stored_name, visible

ATTACKS = {
    "clear": "\x1b[2J\x1b[H",
    "title": "\x1b]0;owned\x07",
    "8-bit CSI": "\x9b31m",
    "forged": "x.jpg: dog 99.9 % (1.0 ms)\ny.jpg",
    "return": "a\rb",
    "bidi": "a\u202egpj.exe",
    "isolate": "a\u2066b",
    "mark": "a\u200fb",
    "line separator": "a\u2028b",
    "byte": "caf\udce9",
    "surrogate": "\ud800",
    "delete": "a\x7f\x08b",
    "tag": "a\U000e0041",
}


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_nothing_that_a_terminal_obeys_is_visible(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable() and shown.isascii()
    assert shown != text


@pytest.mark.parametrize("text", ["a b.jpg", "é 中文.jpg", "Bild\u202f3.png", "👨\u200d👩\u200d👧.jpg", r"C:\a.jpg"])
def test_names_in_any_language_are_shown_as_they_are(text: str) -> None:
    assert visible(text) == text


def test_a_message_may_have_lines() -> None:
    assert visible("Install it:\n    pip\x1b", allowed="\n") == "Install it:\n    pip\\x1b"


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "caf\udce9", r"caf\xe9", r"\\xe9", "\\\udce9", r"C:\photos\x.jpg", "\ud800", r"\ud800", r"\\", "\\",
     r"C:\xab\a.jpg", "a\nb", "中\udcff\\x"],
)  # fmt: skip
def test_a_stored_name_is_text_and_gives_the_name_back(name: str) -> None:
    stored_name(name).encode()
    assert original_name(stored_name(name)) == name


def test_different_names_are_stored_differently() -> None:
    random = np.random.default_rng(0)
    pieces = ["\\", "x", "e", "9", "\udce9", "u", "d", "8", "0", "a"]
    names = {"".join(random.choice(pieces, random.integers(1, 7))) for _ in range(20_000)}
    stored = {stored_name(name): name for name in names}
    assert len(stored) == len(names)
    assert all(original_name(text) == name for text, name in stored.items())


def test_every_name_of_bytes_is_stored() -> None:
    random = np.random.default_rng(0)
    for _ in range(500):
        name = os.fsdecode(random.integers(1, 256, 20, dtype=np.uint8).tobytes())
        assert original_name(stored_name(name)) == name


@pytest.mark.parametrize("text", ["=1+1", "+1", "-a.jpg", "@a", "\t=1", "\r=1", "\n=1", "'=1", "''"])
def test_a_cell_is_no_formula_and_gives_its_text_back(text: str) -> None:
    assert csv_cell(text) == f"'{text}"
    assert csv_text(csv_cell(text)) == text


@pytest.mark.parametrize("text", ["", "a=1", "1", "a'"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert csv_cell(text) == csv_text(csv_cell(text)) == text


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)>", "a|b", "[a](javascript:b)", "`a`", "a\n# b", "\x1b]0;"]
)
def test_markdown_has_no_markup_of_a_label(text: str) -> None:
    escaped = in_markdown(text)
    assert "<" not in escaped and "\n" not in escaped and "\x1b" not in escaped
    assert all(escaped[place - 1] == "\\" for place, each in enumerate(escaped) if each in "|[`")
