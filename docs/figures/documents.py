"""The figures in a document: numbers with a unit, decimal numbers, and numbers in columns with a unit."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
UNIT = (
    r"%|percent|(?:percentage )?points?|ms|µs|milliseconds?|s|seconds?|minutes?|hours?|[kMG]B|[KMG]iB|times|×"
    r"|images/s|megapixels?"
)
FIGURE = re.compile(
    rf"(?<![\w.,/^])(?<!\w-)(\d[\d,]*(?:\.\d+)?(?:e-?\d+)?)(?:\s?({UNIT})(?![\w/])|(?<=\d)(?=[^\w.,]|[.,](?:\D|$)|$))"
)
CELL = re.compile(r"\d[\d,]*")
UNIT_OF_COLUMN = re.compile(r"\b(?:seconds|ms|MB|images/s|points)\b|%")
# A version is no figure, nor is the level of an interval.
NAMES = (
    r"Python|Keras|TensorFlow|TensorRT(?:-RTX)?|server|Ray|Temper|Prometheus|SDK|License|[Vv]ersion|format|capability"
)
NO_FIGURE = re.compile(
    rf"(?:{NAMES})[\s(]+\d+(?:\.\d+)+(?:(?:,| to| and| or)? \d+(?:\.\d+)+)*"
    r"|\d+(?:\.\d+){2,}|\b95 %\s(?:\w+\s)?interval"
)
HEADING = re.compile(r"^(?=#{1,6} )", re.MULTILINE)
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
GENERATED = re.compile(r"^<!-- [a-z]+ -->\n.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\s*(?:\$ |python |temper |make |pip |curl |docker |cp |rsync |scp ).*$", re.MULTILINE)
# What an option is given in an example, the text may repeat.
EXAMPLE = re.compile(r"--[\w-]+[ =](\d[\d.]*)")
LINK = re.compile(r"\]\(([^)#\s]*)[^)]*\)")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number as a document has it.

    unit: "" for a decimal number without one. results: files of benchmarks/results/ that its section links.
    """

    document: Path
    number: str
    unit: str
    results: tuple[Path, ...]

    @property
    def text(self) -> str:
        """The number with its unit."""
        return f"{self.number} {self.unit}".strip()

    @property
    def value(self) -> float:
        """The number."""
        return float(self.number.replace(",", ""))


def figures_of(document: Path) -> list[Figure]:
    """Every figure of a document but those in code, in commands and in what is generated."""
    figures = []
    sections = HEADING.split(GENERATED.sub("", document.read_text(encoding="utf-8")))
    # What the introduction links holds for the complete document.
    introduction = "".join(sections[:2])
    for section in sections:
        links = (document.parent / target for target in LINK.findall(section + introduction))
        results = tuple(
            dict.fromkeys(p.resolve() for p in links if p.suffix == ".md" and RESULTS in p.resolve().parents)
        )
        examples = set(EXAMPLE.findall(section))
        figures += [
            Figure(document=document, number=number, unit=" ".join(unit.split()), results=results)
            for number, unit in [*_in_text(_prose(section)), *_in_columns(section)]
            if number not in examples
        ]
    return figures


def _prose(section: str) -> str:
    """A section without code, commands and addresses, with the output of commands."""
    text = FENCE.sub(lambda match: "" if match[1] else COMMAND.sub("", match[2]), section)
    text = LINK.sub("]", re.sub(r"`[^`\n]*`", "", text))
    # A number and its unit may be on two lines.
    return NO_FIGURE.sub("", re.sub(r"\n(?!\n)", " ", text))


def _in_text(text: str) -> Iterator[tuple[str, str]]:
    for match in FIGURE.finditer(text):
        if match[2] or "." in match[1]:
            yield match[1], match[2] or ""


def _in_columns(section: str) -> Iterator[tuple[str, str]]:
    """Integers in a column whose heading has a unit; decimal numbers are figures already."""
    units: list[str] = []
    for line in FENCE.sub("", section).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if not line.startswith("|"):
            units = []
        elif not units:
            units = [unit[0] if (unit := UNIT_OF_COLUMN.search(cell)) else "" for cell in cells]
        else:
            yield from ((cell, unit) for cell, unit in zip(cells, units, strict=False) if unit and CELL.fullmatch(cell))
