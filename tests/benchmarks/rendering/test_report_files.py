from pathlib import Path

import msgspec

from benchmarks.analysis.report import Scenario
from benchmarks.analysis.report_file import read_report
from benchmarks.rendering.report_files import write_report
from tests.benchmarks.sample_reports import KERAS, case_result, report, skipped_case


def test_every_file_of_a_report_is_written(tmp_path: Path) -> None:
    made = report(case_result(KERAS, 80))
    paths = write_report(made, tmp_path / "out", {})
    assert sorted(path.name for path in paths) == [f"report.{each}" for each in ("html", "json", "md", "png", "svg")]
    assert sorted((tmp_path / "out").iterdir()) == sorted(paths)
    assert read_report(tmp_path / "out" / "report.json") == made


def test_a_report_with_nothing_measured_is_written_too(tmp_path: Path) -> None:
    assert all(path.stat().st_size for path in write_report(report(skipped_case("model.plan")), tmp_path, {}))


def test_the_summaries_of_loadgen_are_collected_in_one_file(tmp_path: Path) -> None:
    runs = []
    for name in ("SingleStream", "Offline"):
        logs = tmp_path / "loadgen" / "model.onnx" / name
        logs.mkdir(parents=True)
        (logs / "mlperf_log_summary.txt").write_text(f"summary of {name}\n", encoding="utf-8")
        runs.append(
            Scenario(
                name="Offline",
                valid=True,
                offered_rate=None,
                latency_ms={"50.00": 1.0, "90.00": 1.0, "99.00": 1.0},
                images_per_second=1.0,
                logs=f"loadgen/model.onnx/{name}",
            )
        )
    case = msgspec.structs.replace(case_result(KERAS, 80), scenarios=tuple(runs))
    paths = write_report(report(case), tmp_path, {})
    summaries = tmp_path / "loadgen-summaries.txt"
    assert summaries in paths
    assert summaries.read_text(encoding="utf-8") == (
        "loadgen/model.onnx/SingleStream\nsummary of SingleStream\n\nloadgen/model.onnx/Offline\nsummary of Offline\n"
    )
