"""A table, shown as aligned text or as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

from temper.escaping import visible


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text under headings.

    right: columns that are aligned to the right, by index.

    >>> print(Table(headings=("name", "ms"), rows=[("a.onnx", "1.5")], right=frozenset({1})).plain())
    name     ms
    a.onnx  1.5
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = field(default_factory=frozenset)

    def plain(self) -> str:
        """Aligned columns without lines, two spaces between them."""
        table = [[visible(cell) for cell in row] for row in [self.headings, *self.rows]]
        widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(self._pad(cell, widths[i], i) for i, cell in enumerate(row)).rstrip() for row in table]
        return "\n".join(lines)

    def markdown(self) -> str:
        """A GitHub table; a vertical bar and the start of an HTML tag in a cell are escaped."""
        rules = ["---:" if i in self.right else "---" for i in range(len(self.headings))]
        rows = [self.headings, rules, *self.rows]
        return "\n".join("| " + " | ".join(_markdown_cell(cell) for cell in row) + " |" for row in rows)

    def _pad(self, cell: str, width: int, column: int) -> str:
        space = " " * (width - cell_len(cell))
        return space + cell if column in self.right else cell + space


def _markdown_cell(cell: str) -> str:
    # Cells may have markup of their own, such as a link, but no line breaks and no HTML.
    return visible(cell).replace("|", "\\|").replace("<", "&lt;")
