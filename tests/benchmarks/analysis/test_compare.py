from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks.analysis.compare import changes_table, compare, parse_limit
from temper.card import Host
from temper.errors import DataError, QualityError, UsageError
from tests.benchmarks.sample_reports import case_result, report, write


def written(path: Path, milliseconds: float, name: str = "model.int8.onnx") -> Path:
    return write(path, report(case_result(name, milliseconds)))


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return written(tmp_path / "before.json", 20.0)


def changed(folder: Path, **fields: Any) -> Path:
    return write(
        folder / "changed.json", msgspec.structs.replace(report(case_result("model.int8.onnx", 20.0)), **fields)
    )


@pytest.mark.parametrize("limit", ["p50>5%", "p99>5%", "throughput@8>5%"])
def test_a_case_that_became_a_fifth_slower_fails(before: Path, tmp_path: Path, limit: str) -> None:
    (change,) = compare(before, written(tmp_path / "after.json", 24.0), [parse_limit(limit)]).changes
    assert change.failed
    assert change.change.value == pytest.approx(20, abs=2)
    (row,) = changes_table([change]).rows
    assert row[:3] == ["FAILED", "model.int8.onnx", limit.partition(">")[0]]
    assert row[3].startswith("+") and row[5] == "+5 %"


@pytest.mark.parametrize("limit", ["p50>5%", "throughput@8>5%", "top1>0.5points"])
def test_a_case_that_is_the_same_or_faster_does_not_fail(before: Path, tmp_path: Path, limit: str) -> None:
    (change,) = compare(before, written(tmp_path / "after.json", 19.0), [parse_limit(limit)]).changes
    assert not change.failed
    assert changes_table([change]).rows[0][0] == "ok"


def test_a_change_within_its_interval_fails_nothing(before: Path, tmp_path: Path) -> None:
    (change,) = compare(before, written(tmp_path / "after.json", 21.02), [parse_limit("p50>5%")]).changes
    assert change.change.low < 5 < change.change.high
    assert not change.failed


@pytest.mark.parametrize("text", ["p50", "p50>x%", "p42>5%", "top1>5%", "p50>5points", "throughput>5%"])
def test_a_limit_that_cannot_be_read_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match=r'is not a limit. Expected "p50>5%"'):
        parse_limit(text)


def test_a_case_that_is_missing_is_reported(tmp_path: Path) -> None:
    both = report(case_result("model.int8.onnx", 20.0), case_result("model.int8.xml", 10.0))
    path = write(tmp_path / "both.json", both)
    with pytest.raises(DataError, match=r"has not measured model\.int8\.xml"):
        compare(path, written(tmp_path / "after.json", 20.0), [parse_limit("p50>5%")])


def test_reports_without_a_case_in_common_cannot_be_compared(before: Path, tmp_path: Path) -> None:
    after = written(tmp_path / "after.json", 20.0, "model.fp16.onnx")
    with pytest.raises(DataError, match="no case in common"):
        compare(before, after, [parse_limit("p50>5%")])


def test_a_report_from_a_busy_machine_is_refused_before_or_after(before: Path, tmp_path: Path) -> None:
    noisy = write(tmp_path / "noisy.json", report(case_result("model.int8.onnx", 20.0), control=1.05))
    for pair in ((before, noisy), (noisy, before)):
        with pytest.raises(QualityError, match=r"noisy\.json was measured on a busy machine: .* 1\.050"):
            compare(*pair, [parse_limit("p50>5%")])


def test_a_report_without_a_control_is_refused(before: Path, tmp_path: Path) -> None:
    with pytest.raises(QualityError, match=r"changed\.json has no A/A control"):
        compare(before, changed(tmp_path, control=None), [parse_limit("p50>5%")])


@pytest.mark.parametrize("fields", [{"images": 40}, {"size": 64}, {"dataset": "others"}])
def test_reports_of_other_images_or_another_size_are_refused(
    before: Path, tmp_path: Path, fields: dict[str, Any]
) -> None:
    with pytest.raises(DataError, match="are of different images"):
        compare(before, changed(tmp_path, **fields), [parse_limit("top1>0.5points")])


def test_another_machine_or_version_is_reported(before: Path, tmp_path: Path) -> None:
    assert compare(before, before, []).differences == []
    other = changed(tmp_path, host=Host(processor="another", cores=2), versions={"python": "3", "numpy": "2"})
    assert compare(before, other, []).differences == [
        "processor was some processor and is another",
        "numpy was absent and is 2",
    ]


def test_a_batch_size_that_was_not_measured_is_named(before: Path) -> None:
    with pytest.raises(DataError, match=r"throughput@4 of model.int8.onnx was not measured.* --batch-sizes"):
        compare(before, before, [parse_limit("throughput@4>5%")])
