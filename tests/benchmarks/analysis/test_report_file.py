from pathlib import Path

import pytest

from benchmarks.analysis.report_file import read_report
from temper.errors import DataError
from tests.benchmarks.sample_reports import KERAS, case_result, report, skipped_case, write
from tests.source import ROOT

COMMITTED = sorted((ROOT / "benchmarks" / "results").rglob("report.json"))


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = report(case_result(KERAS, 80), skipped_case("model.plan"))
    assert read_report(write(tmp_path / "report.json", made)) == made


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.parent.name)
def test_every_committed_report_can_be_read(path: Path) -> None:
    assert read_report(path).measured


@pytest.mark.parametrize(
    "text", ["", "[]", '{"schema": 2}', '{"schema": 1, "lines": []}', '{"cases": []}', 100_000 * "["]
)
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"is not a report|has report schema 1; this version reads schema 2"):
        read_report(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a report"):
        read_report(tmp_path / "missing.json")
