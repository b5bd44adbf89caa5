"""The table of features, which docs/compared-with-others.md explains row by row."""

from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "compared-with-others.md"


def states() -> str:
    """The first table of the page. Raises ValueError where it has none."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    begin = next((i for i, line in enumerate(lines) if line.startswith("|")), None)
    if begin is None:
        raise ValueError(f"{PAGE} has no table")
    end = next((i for i, line in enumerate(lines[begin:], begin) if not line.startswith("|")), len(lines))
    return "\n".join(lines[begin:end])
