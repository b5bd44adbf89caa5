"""Where README.md has what is generated: between a line <!-- name --> and a line <!-- end -->."""

import re
from collections.abc import Callable
from pathlib import Path

from docs.readme import comparison, measured

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
WRITERS: dict[str, Callable[[], str]] = {
    "demo": measured.demo,
    "photos": measured.photos,
    "comparison": comparison.states,
    "chaos": measured.chaos,
}
BLOCK = re.compile(r"^(<!-- ([a-z]+) -->\n).*?^(<!-- end -->)$", re.MULTILINE | re.DOTALL)


def renewed(text: str) -> str:
    """The text of the README with every generated part as it is now. Raises ValueError where a part has no place."""
    names = [match[2] for match in BLOCK.finditer(text)]
    if sorted(names) != sorted(WRITERS):
        raise ValueError(f"the README must have each of these parts once: {', '.join(WRITERS)}; it has: {names}")
    return BLOCK.sub(lambda match: f"{match[1]}{WRITERS[match[2]]().strip()}\n{match[3]}", text)


def update(readme: Path = README) -> None:
    """Write the generated parts of the README anew. Raises ValueError where a part has no place."""
    from temper.storage.atomic import write_text

    write_text(readme, renewed(readme.read_text(encoding="utf-8")))
