"""What the documents say is so: links, commands, flags, formats and folders."""

import importlib
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from benchmarks.analysis.report import LEAST_FOR_P99
from temper.card import Card
from temper.formats import FORMATS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}
LINKS = [(path, target) for path, text in TEXT.items() for target in re.findall(r"\]\(([^)#]+)\)", text)]
COMMANDS = [
    (path, words) for path, text in TEXT.items() for words in re.findall(r"\bpython ([a-z]+/run\.py[^\n`#]*)", text)
]
TARGETS = [(path, name) for path, text in TEXT.items() for name in re.findall(r"`?\bmake ([a-z-]+)\b", text)]
READMES_ROW = r"^\| ([\w. ]+) \| [^|]+ \| [\d.]+ \| [\d.]+ \| ([\d.]+) \| ([≥ \d.]+) \|"
PROSE = {"it", "the", "folders", "a", "and", "alone"}


@pytest.mark.parametrize(("path", "target"), LINKS, ids=[target for _, target in LINKS])
def test_every_link_leads_somewhere(path: Path, target: str) -> None:
    assert target.startswith("https://") or (path.parent / target).exists()


@pytest.mark.parametrize(("path", "words"), COMMANDS, ids=[words for _, words in COMMANDS])
def test_every_command_parses(path: Path, words: str) -> None:
    door, *rest = shlex.split(words.strip())
    stage = door.partition("/")[0]
    if "--help" in rest:
        return
    run = importlib.import_module(f"{stage}.run")
    if rest[:1] == ["compare"]:
        run.parse_compare(rest[1:])
    else:
        run.parse(rest)


@pytest.mark.parametrize("name", sorted({name for _, name in TARGETS} - PROSE))
def test_every_make_command_exists(name: str) -> None:
    assert re.search(rf"^{name}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_every_make_command_has_a_line_of_help() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    for name in phony[1].split():
        assert re.search(rf"^{name}:.*## \S", makefile, re.MULTILINE), name


def test_the_table_of_formats_is_the_code() -> None:
    text = TEXT[ROOT / "docs" / "artifacts.md"]
    rows = re.findall(r"^\| `(\.\w+)` \| (.*?) \| `(.*?)` \|$", text, re.MULTILINE)
    assert rows == [(each.suffix, each.title, each.install) for each in FORMATS]


def test_every_field_of_the_card_is_explained() -> None:
    text = TEXT[ROOT / "docs" / "artifacts.md"]
    named = {
        name for row in re.findall(r"^\| (`[a-z_0-9`, ]+) \|", text, re.MULTILINE) for name in re.findall(r"\w+", row)
    }
    assert set(Card.__dataclass_fields__) <= named


def test_the_readme_names_every_room() -> None:
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"docs"}
    assert all(f"\n{room}/ " in TEXT[ROOT / "README.md"] for room in rooms)


def p99_of(latency: dict[str, Any]) -> str:
    few = sum(len(turn) for turn in latency["turns_ms"]) < LEAST_FOR_P99
    return f"{'≥ ' if few else ''}{latency['p99_ms']['value']:.2f}"


def test_the_figures_of_the_readme_are_those_of_the_report() -> None:
    report = json.loads((ROOT / "benchmarks" / "results" / "photos-224" / "report.json").read_text(encoding="utf-8"))
    told = {row[0]: row[1:] for row in re.findall(READMES_ROW, TEXT[ROOT / "README.md"], re.MULTILINE)}
    measured = {
        line["name"]: (f"{line['latency']['p50_ms']['value']:.2f}", p99_of(line["latency"]))
        for line in report["lines"]
        if line["latency"]
    }
    assert told == measured
