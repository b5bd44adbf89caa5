import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.analysis.compare import compare, other_conditions, parse_limit
from benchmarks.analysis.report import as_json
from temper.errors import UserError
from tests.benchmarks.made import line, report


def written(path: Path, milliseconds: float, name: str = "model.int8.onnx") -> Path:
    path.write_text(as_json(report(line(name, milliseconds, None))), encoding="utf-8")
    return path


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return written(tmp_path / "before.json", 20.0)


@pytest.mark.parametrize("limit", ["p50>5%", "p99>5%", "throughput@8>5%"])
def test_a_row_that_became_a_fifth_slower_fails(before: Path, tmp_path: Path, limit: str) -> None:
    (change,) = compare(before, written(tmp_path / "after.json", 24.0), [parse_limit(limit)])
    assert change.failed
    assert change.worse.value == pytest.approx(20, abs=2)


@pytest.mark.parametrize("limit", ["p50>5%", "throughput@8>5%", "top1>0.5points"])
def test_a_row_that_stayed_or_became_faster_does_not_fail(before: Path, tmp_path: Path, limit: str) -> None:
    (change,) = compare(before, written(tmp_path / "after.json", 19.0), [parse_limit(limit)])
    assert not change.failed


def test_a_change_within_its_interval_fails_nothing(before: Path, tmp_path: Path) -> None:
    (change,) = compare(before, written(tmp_path / "after.json", 21.02), [parse_limit("p50>5%")])
    assert change.worse.low < 5 < change.worse.high
    assert not change.failed


@pytest.mark.parametrize("text", ["p50", "p50>x%", "p42>5%", "top1>5%", "p50>5points", "throughput>5%"])
def test_a_limit_that_cannot_be_read_is_answered_with_examples(text: str) -> None:
    with pytest.raises(UserError, match=r'is no limit. Expected "p50>5%"'):
        parse_limit(text)


def test_a_row_that_is_gone_is_told_not_passed_over(tmp_path: Path) -> None:
    both = report(line("model.int8.onnx", 20.0, None), line("model.int8.xml", 10.0, None))
    (tmp_path / "both.json").write_text(as_json(both), encoding="utf-8")
    with pytest.raises(UserError, match=r"has not measured model\.int8\.xml"):
        compare(tmp_path / "both.json", written(tmp_path / "after.json", 20.0), [parse_limit("p50>5%")])


def test_reports_without_a_row_in_common_cannot_be_compared(before: Path, tmp_path: Path) -> None:
    after = written(tmp_path / "after.json", 20.0, "model.fp16.onnx")
    with pytest.raises(UserError, match="no row in common"):
        compare(before, after, [parse_limit("p50>5%")])


def test_a_report_from_a_busy_machine_is_refused_before_or_after(before: Path, tmp_path: Path) -> None:
    noisy = tmp_path / "noisy.json"
    noisy.write_text(as_json(report(line("model.int8.onnx", 20.0, None), control=1.05)), encoding="utf-8")
    for pair in ((before, noisy), (noisy, before)):
        with pytest.raises(UserError, match=r"noisy\.json was measured on a busy machine: .* 1\.050"):
            compare(*pair, [parse_limit("p50>5%")])


@pytest.mark.parametrize("change", [{"pictures": 40}, {"size": 64}, {"title": "Temper on others"}])
def test_reports_of_other_pictures_or_another_size_are_refused(
    before: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    record = json.loads(before.read_text(encoding="utf-8"))
    other = tmp_path / "other.json"
    other.write_text(json.dumps(record | change), encoding="utf-8")
    with pytest.raises(UserError, match="asked other pictures"):
        compare(before, other, [parse_limit("top1>0.5points")])


def test_another_machine_or_version_is_told(before: Path, tmp_path: Path) -> None:
    assert other_conditions(before, before) == []
    record = json.loads(before.read_text(encoding="utf-8"))
    other = tmp_path / "other.json"
    other.write_text(json.dumps(record | {"machine": {"processor": "another"}}), encoding="utf-8")
    assert other_conditions(before, other) == ["processor was some and is another"]


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 1}', '{"schema": 99, "lines": []}'])
def test_what_is_no_report_is_refused(before: Path, tmp_path: Path, text: str) -> None:
    after = tmp_path / "after.json"
    after.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"not a report|report schema 99"):
        compare(before, after, [parse_limit("p50>5%")])


def test_a_batch_size_that_was_not_measured_is_named(before: Path) -> None:
    with pytest.raises(UserError, match="was not measured at batch 4: add it to --batches"):
        compare(before, before, [parse_limit("throughput@4>5%")])
