"""The project's own files, for the tests that read them."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("data", "train", "convert", "infer", "benchmarks")
# Each has a file run.py. choose/ calls the stages; docs/ reads their parsers.
COMMANDS = (*STAGES, "choose", "docs")
FOLDERS = ("temper", "pages", *COMMANDS, "experiments")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
# Templates and styles of HTML pages.
PAGES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.html"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]  # fmt: skip


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    """A file's path in the project, for messages and test names."""
    return path.relative_to(ROOT).as_posix()
