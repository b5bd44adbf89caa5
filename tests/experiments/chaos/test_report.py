import dataclasses
import json
from pathlib import Path

import pytest

from experiments.chaos import report
from experiments.chaos.record import Record
from experiments.chaos.registry import Suite
from experiments.chaos.report import Result, read_suites, write_results

SUITE = Suite(name="x", what="what x tries", function="", count=3, fault="", fault_count=1, limits={"slow": 1})
GOOD = Record(tried=3, ok=2, refused=1, seconds=1.4, more={"slow": 1, "examples": ["a"]})


def result(record: Record, faulty: Record) -> Result:
    return Result(suite=SUITE, record=record, faulty=faulty)


@pytest.mark.parametrize(
    ("record", "faulty", "verdict"),
    [
        (GOOD, Record(tried=2, lost=1), "passed"),
        (GOOD, Record(tried=2, wrong=200), "passed"),
        (GOOD, Record(tried=2, more={"slow": 2}), "passed"),
        (GOOD, Record(tried=2, ok=2), "FAULT NOT NOTICED"),
        (GOOD, Record(tried=1, crash=1, more={"message": "the suite itself"}), "FAULT NOT NOTICED"),
        (Record(tried=1, lost=1), Record(tried=1, lost=1), "FAILED"),
        (Record(tried=1, ok=1, more={"slow": 2}), Record(tried=1, lost=1), "FAILED"),
        (Record(), Record(tried=1, lost=1), "FAILED"),
    ],
)
def test_a_suite_passes_without_failures_and_with_a_fault_that_was_noticed(
    record: Record, faulty: Record, verdict: str
) -> None:
    each = result(record, faulty)
    assert f": {verdict}, " in each.line()
    assert each.has_passed is (verdict == "passed")
    assert each.noticed <= faulty.tried


@pytest.fixture(autouse=True)
def suites(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "SUITES", (SUITE, dataclasses.replace(SUITE, name="y")))


def test_the_report_has_counts_limits_versions_and_what_was_not_run(tmp_path: Path) -> None:
    text = write_results(tmp_path / "r.md", [result(GOOD, Record(tried=9, lost=4))], 5)
    assert (tmp_path / "r.md").read_text() == text
    assert "| x | what x tries | 3 | 2 | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 1 | 4 of 9 | " in text
    assert "* x: slow 1 (at most 1)." in text
    assert "Not run: y." in text
    assert "numpy" in text and "UTC" in text
    content = json.loads((tmp_path / "r.json").read_text())
    (suite,) = content["suites"]
    assert (content["seed"], content["missing"], suite["passed"], suite["planted"]["noticed"]) == (5, ["y"], True, 4)
    assert suite["more"]["examples"] == ["a"]


def test_suites_that_are_run_again_replace_those_of_the_report(tmp_path: Path) -> None:
    target = tmp_path / "r.md"
    assert read_suites(target) == []
    other = dataclasses.replace(result(GOOD, GOOD), suite=dataclasses.replace(SUITE, name="y"))
    write_results(target, [result(GOOD, GOOD), other], 0)
    text = write_results(target, [result(Record(tried=7, ok=7), GOOD)], 0, read_suites(target))
    assert [(each["name"], each["tried"]) for each in read_suites(target)] == [("x", 7), ("y", 3)]
    assert "All suites were run." in text
