from pathlib import Path

import pytest

from docs.figures.documents import RESULTS, Figure, figures_of
from docs.figures.limits import LIMITS
from docs.figures.sources import numbers_in, source_of
from docs.reference.figures import DOCUMENTS
from tests.source import ROOT, name_of


def figure(number: str, unit: str = "", document: str = "README.md", results: Path | None = None) -> Figure:
    return Figure(document=ROOT / document, number=number, unit=unit, results=(results or RESULTS / "scan.md",))


@pytest.fixture
def times(tmp_path: Path) -> Path:
    path = tmp_path / "times.md"
    path.write_text("| loop | 177.4 | 46.8 | 4.1 | 1,000 | 0.84 TFLOP/s |")
    return path


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_figure_has_a_file(document: Path) -> None:
    figures = figures_of(document)
    assert not [
        f"{each.text}: link the file of benchmarks/results/ that has it, or name the code in docs/figures/limits.py"
        for each in figures
        if not source_of(each)
    ]


@pytest.mark.parametrize("name", LIMITS)
def test_every_limit_is_used(name: str) -> None:
    assert LIMITS[name].keys() <= {each.text for each in figures_of(ROOT / name)}


@pytest.mark.parametrize("number", ["177.4", "4.1", "46.8", "0.84", "1,000"])
def test_a_measured_number_has_the_linked_file(number: str, times: Path) -> None:
    assert source_of(figure(number, "times", results=times)) == times


@pytest.mark.parametrize("number", ["178", "177", "46.7", "4.11", "9", "12,345"])
def test_an_invented_number_has_none(number: str, times: Path) -> None:
    assert source_of(figure(number, "times", results=times)) is None


def test_a_fraction_may_stand_for_a_percentage(tmp_path: Path) -> None:
    (tmp_path / "rate.md").write_text("| 0.812 |")
    for unit, source in (("%", tmp_path / "rate.md"), ("times", None)):
        one = Figure(document=ROOT / "README.md", number="81.2", unit=unit, results=(tmp_path / "rate.md",))
        assert source_of(one) == source


def test_a_limit_must_be_in_the_code_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert source_of(figure("50", "ms", "docs/benchmark.md")) == ROOT / "benchmarks/measurement/session.py"
    monkeypatch.setitem(LIMITS["docs/benchmark.md"], "60 ms", "benchmarks/measurement/session.py")
    assert source_of(figure("60", "ms", "docs/benchmark.md")) is None


def test_numbers_are_read_with_separators_and_exponents(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_text("1,234 and 10_000, 4.2e-07 in v2.5, model224")
    assert numbers_in(path) == {1234.0, 10000.0, 4.2e-07}
