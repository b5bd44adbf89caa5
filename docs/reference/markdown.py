"""Markdown from text that has none."""

import inspect
import re
from collections.abc import Collection, Iterable, Sequence

from temper.escaping import in_markdown

# Code in backticks, and options.
CODE = re.compile(r"(`[^`\n]+`|(?<![\w-])--[a-z][a-z0-9-]*)")
INDENTED = re.compile(r"\n {4,}(\S.*)")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the cells are Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    """Code in a line or a cell, where a vertical bar in it does not end the cell."""
    return f"`{text}`"


def sentence(text: str) -> str:
    """A message in a cell: options, and what is in backticks or on indented lines, are code.

    >>> print(sentence("Run `make docs`, or:\\n    pip install a_b"))
    Run `make docs`, or:<br>`pip install a_b`
    """
    marked = INDENTED.sub(r"\n`\1`", text)
    parts = [code(part.strip("`")) if CODE.fullmatch(part) else in_markdown_lines(part) for part in CODE.split(marked)]
    return "".join(parts)


def in_markdown_lines(text: str) -> str:
    """Text whose line breaks are kept, in a cell."""
    return "<br>".join(map(in_markdown, text.split("\n")))


def prose(docstring: str, names: Collection[str] = ()) -> str:
    """A docstring as Markdown: its paragraphs, what it says of each of these names as a list, its examples as code.

    >>> print(prose("Cut.\\n\\nsize: in pixels. a, b: the sides. Raises ValueError.", ["size", "a", "b"]))
    Cut.
    <BLANKLINE>
    * `size`: in pixels.
    * `a`, `b`: the sides.
    <BLANKLINE>
    Raises ValueError.
    """
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(_example(each) if each.startswith(">>>") else _explained(each, names) for each in paragraphs)


def _explained(paragraph: str, names: Collection[str]) -> str:
    """A paragraph "first: …. second, third: …. Raises …" as a list."""
    one = "|".join(map(re.escape, names)) or "(?!)"
    before, *items = re.split(rf"(?:^|(?<=\.)\s+)((?:{one})(?:,\s+(?:{one}))*):\s", paragraph)
    if not items:
        return paragraph
    # The last sentences are not of the last name.
    last, *raises = re.split(r"(?<=\.)\s+(?=Raises\s)", items[-1])
    lines = [_item(name, text) for name, text in zip(items[::2], [*items[1:-1:2], last], strict=True)]
    return "\n\n".join(filter(None, [before, "\n".join(lines), *raises]))


def _item(names: str, text: str) -> str:
    return f"* {', '.join(map(code, re.split(', *', names)))}: {' '.join(text.split())}"


def _example(text: str) -> str:
    return f"```pycon\n{text}\n```"
