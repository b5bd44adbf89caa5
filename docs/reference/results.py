"""The page that lists the measured results."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks" / "results"
INTRODUCTION = """# Results

Every measured figure of these pages comes from one of these files. Each says how it was measured, and which command
repeats it.
"""


def page() -> str:
    """The page as Markdown: a link to each result, by its title."""
    files = sorted(FOLDER.rglob("*.md"), key=title)
    lines = [f"* [{title(path)}](../../{path.relative_to(ROOT).as_posix()})" for path in files]
    return "\n".join([INTRODUCTION, *lines]) + "\n"


def title(path: Path) -> str:
    """The heading of a page."""
    return path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
