"""The pages of the site: those of the repository at their paths, so that links work as they are, and generated ones."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from docs.notebook_page import page
from docs.reference import api, card, commands, figures, messages, results

ROOT = Path(__file__).resolve().parents[1]
# The start page of the site is at its root.
START = ROOT / "docs" / "index.md"
# On the site it is a page, with its outputs.
NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"
# What mkdocs.yml adds to the theme.
THEME = tuple(ROOT / "docs" / name for name in ("site.css", "iframe-worker.js", "search.js"))
GENERATED: dict[str, Callable[[], str]] = {
    "commands.md": commands.page,
    "messages.md": messages.page,
    "card.md": card.page,
    "card.schema.json": card.schema,
    "api.md": api.page,
    "results.md": results.page,
    "figures.md": figures.page,
}
# The target of a link or an image, without an anchor, in the text of a page.
TARGET = re.compile(r"(?<=\]\()(?!\w+:)[^)#\s]+")


def documents() -> list[Path]:
    """The pages that are files of the repository, without the start page."""
    return [
        *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
        *sorted({*(ROOT / "docs").glob("*.md")} - {START}),
        *sorted((ROOT / "benchmarks" / "results").rglob("*.md")),
    ]


def collect(folder: Path) -> None:
    """Write all pages below a new folder, and the files of the repository that they show or link to."""
    for document in documents():
        _copy(document, folder)
    for document in (START, *documents()):
        for target in TARGET.findall(document.read_text(encoding="utf-8")):
            linked = (document.parent / target).resolve()
            if linked.is_file() and linked.suffix not in (".md", NOTEBOOK.suffix):
                _copy(linked, folder)
    for file in THEME:
        _copy(file, folder)
    (folder / START.name).write_text(at_root(on_site(START.read_text(encoding="utf-8"))), encoding="utf-8")
    _write_notebook(folder / "docs")
    reference = folder / "docs" / "reference"
    reference.mkdir()
    for name, write in GENERATED.items():
        (reference / name).write_text(write(), encoding="utf-8")


def at_root(text: str) -> str:
    """The text of a page of docs/, as a page one folder higher.

    >>> at_root("[a](training.md#confidence), [b](../SECURITY.md), [c](https://example.org)")
    '[a](docs/training.md#confidence), [b](SECURITY.md), [c](https://example.org)'
    """

    def moved(match: re.Match[str]) -> str:
        return match[0].removeprefix("../") if match[0].startswith("../") else str(PurePosixPath("docs", match[0]))

    return TARGET.sub(moved, text)


def on_site(text: str) -> str:
    """The text of a page, with links to the page that a notebook is on the site.

    >>> on_site("[a](tutorial.ipynb#8-save-and-load), [b](training.md)")
    '[a](tutorial.md#8-save-and-load), [b](training.md)'
    """
    return TARGET.sub(lambda match: re.sub(r"\.ipynb$", ".md", match[0]), text)


def _copy(file: Path, folder: Path) -> None:
    target = folder / file.relative_to(ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".md":
        target.write_text(on_site(file.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        shutil.copyfile(file, target)


def _write_notebook(folder: Path) -> None:
    text, images = page(NOTEBOOK)
    (folder / f"{NOTEBOOK.stem}.md").write_text(text, encoding="utf-8")
    for name, content in images.items():
        (folder / name).write_bytes(content)
