"""The page of the audit: every figure of the documents, and the file that it comes from."""

from pathlib import Path

from docs.figures.documents import ROOT, Figure, figures_of
from docs.figures.sources import source_of
from docs.reference.markdown import code, table
from temper.escaping import in_markdown

DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
INTRODUCTION = """# Figures

The numbers that the documents state, each with the file that has it: a result, or the code whose limit it
is. The parts of README.md that are generated are not listed. A test finds figures without a file.
"""


def page() -> str:
    """The page as Markdown."""
    rows = [
        (code(each.document.relative_to(ROOT).as_posix()), in_markdown(each.text), _link(each))
        for document in DOCUMENTS
        for each in dict.fromkeys(figures_of(document))
    ]
    return f"{INTRODUCTION}\n{table(('document', 'figure', 'file'), rows)}\n"


def _link(figure: Figure) -> str:
    source = source_of(figure)
    name = source.relative_to(ROOT).as_posix() if source else "–"
    return f"[{name}](../../{name})" if _is_page(source) else code(name)


def _is_page(source: Path | None) -> bool:
    return source is not None and source.suffix == ".md"
