"""The project's words are the field's: old names and private words do not come back."""

import io
import re
import tokenize
from pathlib import Path

from tests.source import DOCUMENTS, FILES, PAGES, ROOT, TESTS, name_of

# CONTRIBUTING.md names the word to use instead of each.
BANNED = (
    "picture", "wish", "door", "noun", "told", "tells", "said", "ladder", "rung", "twin", "rival", "dialect",
    "quantise",     "quantisation", "colour", "optimise",
    "labelled", "surroundings", "in_short", "largest_half", "objections",
    "unknown_below", "judge",
    "look_around", "rooms?", "house",
)  # fmt: skip
# Only as identifiers: as words of a sentence they are plain English.
BANNED_IDENTIFIERS = ("found", "kept", "keep", "answers?", "share", "turns?", "say", "here")
PATTERN = re.compile(rf"(?<![a-z])({'|'.join(BANNED)})(s|d)?(?![a-z])", re.IGNORECASE)
IDENTIFIER = re.compile(rf"^_?({'|'.join(BANNED_IDENTIFIERS)})$")
# This file lists them, two documents say what replaced them, and old cards and reports contain them.
EXEMPT = {
    ROOT / name
    for name in (
        "CONTRIBUTING.md", "CHANGELOG.md", "tests/test_vocabulary.py", "temper/card/migration.py",
        "tests/temper/card/test_migration.py",
        "tests/benchmarks/test_evaluation_set.py",
    )
}  # fmt: skip
TEXTS = [
    path
    for path in [
        *FILES, *TESTS, *DOCUMENTS, *sorted(ROOT.glob("requirements*.txt")),
        *(ROOT / name for name in ("Makefile", "pyproject.toml")), *PAGES,
    ]
    if path not in EXEMPT
]  # fmt: skip


def test_no_banned_word_is_used() -> None:
    lines = [
        (name_of(path), number, line.strip())
        for path in TEXTS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    ]
    assert not [each for each in lines if PATTERN.search(each[2])]


def test_no_banned_identifier_is_used() -> None:
    def names(path: Path) -> set[tuple[str, int, str]]:
        tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
        return {(name_of(path), token.start[0], token.string) for token in tokens if token.type == tokenize.NAME}

    assert not sorted(each for path in FILES for each in names(path) if IDENTIFIER.match(each[2]))
