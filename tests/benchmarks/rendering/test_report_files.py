from pathlib import Path

import msgspec

from benchmarks.analysis.report_file import read_report
from benchmarks.analysis.verdict import with_verdicts
from benchmarks.rendering.report_files import as_markdown, write_report
from benchmarks.rendering.sections import end_to_end_table
from benchmarks.rendering.table import main_table
from tests.benchmarks.sample_reports import KERAS, case_result, complete, report, scenario, skipped_case


def test_every_file_of_a_report_is_written(tmp_path: Path) -> None:
    made = report(case_result(KERAS, 80))
    assert write_report(made, tmp_path / "out", {}) == tmp_path / "out" / "report.html"
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"report.{each}" for each in ("html", "json", "md", "png", "svg")]
    assert read_report(tmp_path / "out" / "report.json") == made


def test_a_report_with_nothing_measured_is_written_too(tmp_path: Path) -> None:
    write_report(report(skipped_case("model.plan")), tmp_path, {})
    assert all(path.stat().st_size for path in tmp_path.iterdir())


def test_the_summaries_of_loadgen_are_collected_in_one_file(tmp_path: Path) -> None:
    runs = []
    for name in ("SingleStream", "Offline"):
        logs = tmp_path / "loadgen" / "model.onnx" / name
        logs.mkdir(parents=True)
        (logs / "mlperf_log_summary.txt").write_text(f"summary of {name}\n", encoding="utf-8")
        runs.append(scenario("Offline", logs=f"loadgen/model.onnx/{name}"))
    write_report(report(msgspec.structs.replace(case_result(KERAS, 80), scenarios=tuple(runs))), tmp_path, {})
    assert (tmp_path / "loadgen-summaries.txt").read_text(encoding="utf-8") == (
        "loadgen/model.onnx/SingleStream\nsummary of SingleStream\n\nloadgen/model.onnx/Offline\nsummary of Offline\n"
    )


def test_markdown_has_the_table_the_verdicts_and_the_facts() -> None:
    made = with_verdicts(complete())
    text = as_markdown(made)
    assert text.startswith("# Temper on <images> & more\n")
    assert main_table(made).markdown() in text
    assert all(f"* {case.verdict}" in text for case in made.cases)
    for line in ("* processor: some processor", "* load before: 0.10", "* command: python benchmarks/run.py"):
        assert line in text
    assert end_to_end_table(made).markdown() in text
    assert "p99 must stay within 100 ms" in text


def test_what_was_not_measured_has_no_section() -> None:
    text = as_markdown(report(skipped_case("model.plan")))
    assert not any(heading in text for heading in ("From files to labels", "MLPerf", "report.png"))
