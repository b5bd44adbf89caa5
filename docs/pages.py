"""The pages of the site: those of the repository at their paths, so that links work as they are, and generated ones."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from docs.reference import api, card, commands, figures, messages, results

ROOT = Path(__file__).resolve().parents[1]
# The start page of the site is at its root.
START = ROOT / "docs" / "index.md"
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
    for page in documents():
        _copy(page, folder)
    for page in (START, *documents()):
        for target in TARGET.findall(page.read_text(encoding="utf-8")):
            linked = (page.parent / target).resolve()
            if linked.is_file() and linked.suffix != ".md":
                _copy(linked, folder)
    for file in THEME:
        _copy(file, folder)
    (folder / START.name).write_text(at_root(START.read_text(encoding="utf-8")), encoding="utf-8")
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


def _copy(file: Path, folder: Path) -> None:
    target = folder / file.relative_to(ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
