"""The file that a figure comes from: a result that its section links, or the code whose limit it is."""

import math
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from docs.figures.documents import ROOT, Figure
from docs.figures.limits import LIMITS

NUMBER = re.compile(r"(?<![\w.])\d[\d,_]*(?:\.\d+)?(?:e-?\d+)?")
PERCENT = ("%", "percent", "point", "points")
# What a value of a unit may be in the code, besides the number itself.
FACTORS = {**dict.fromkeys(PERCENT, 0.01), "ms": 0.001, "megapixels": 1e6}
TINY = 1e-9


def source_of(figure: Figure) -> Path | None:
    """The file that contains a figure; None where it has none."""
    name = figure.document.relative_to(ROOT).as_posix()
    limit = LIMITS.get(name, {}).get(figure.text)
    if limit:
        return ROOT / limit if _is_limit(figure, numbers_in(ROOT / limit)) else None
    return next((path for path in figure.results if _is_measured(figure, numbers_in(path))), None)


@cache
def numbers_in(path: Path) -> frozenset[float]:
    """Every number in a file."""
    text = path.read_text(encoding="utf-8")
    return frozenset(float(each.replace(",", "").replace("_", "")) for each in NUMBER.findall(text))


def _is_measured(figure: Figure, numbers: Iterable[float]) -> bool:
    """Whether one of the numbers is the figure; a fraction may stand for a percentage. Nothing is rounded."""
    forms = [figure.value, figure.value / 100] if figure.unit in PERCENT else [figure.value]
    return any(math.isclose(number, form, rel_tol=TINY) for number in numbers for form in forms)


def _is_limit(figure: Figure, numbers: Iterable[float]) -> bool:
    """Whether the code has the figure: a percentage may be a fraction, or what is left to 1."""
    forms = [figure.value, FACTORS.get(figure.unit, 1) * figure.value]
    if figure.unit in PERCENT:
        forms.append(1 - forms[1])
    return any(math.isclose(number, form, rel_tol=TINY) for number in numbers for form in forms)
