import msgspec

from benchmarks.analysis.report import EndToEnd, Report, Scenario
from benchmarks.analysis.verdict import with_verdicts
from benchmarks.rendering.markdown import as_markdown
from benchmarks.rendering.sections import end_to_end_table, scenario_table
from benchmarks.rendering.table import main_table
from benchmarks.rendering.terminal import terminal_text
from tests.benchmarks.sample_reports import KERAS, case_result, estimate, report, skipped_case

LATENCIES = {"50.00": 1.0, "90.00": 2.0, "99.00": 3.0}


def complete() -> Report:
    server = [
        Scenario(
            name="Server",
            valid=True,
            offered_rate=rate,
            latency_ms=LATENCIES,
            images_per_second=rate,
            logs=f"loadgen/{rate}",
        )
        for rate in (60.0, 70.0, 80.0)
    ]
    files = EndToEnd(
        files="original size",
        method="overlapped",
        images_per_second=estimate(100.0),
        decode_ms=1.0,
        waiting_ms=2.0,
        network_ms=3.0,
        top1=0.5,
        speedup=None,
    )
    case = msgspec.structs.replace(
        case_result("model.onnx", 20, estimate(4.0)),
        scenarios=tuple(server),
        server_images_per_second=70.0,
        end_to_end=(files,),
    )
    return with_verdicts(report(case_result(KERAS, 80), case))


def test_a_report_has_its_table_verdicts_and_facts() -> None:
    made = complete()
    text = as_markdown(made)
    assert text.startswith("# Temper on <images> & more\n")
    assert main_table(made).markdown() in text
    assert all(f"* {case.verdict}" in text for case in made.cases)
    for line in ("* processor: some processor", "* load before: 0.10", "* command: python benchmarks/run.py"):
        assert line in text
    assert end_to_end_table(made).markdown() in text
    assert "p99 must stay within 100 ms" in text


def test_of_the_server_runs_only_the_one_at_the_highest_rate_is_shown() -> None:
    assert [row[-1] for row in scenario_table(complete()).rows] == ["loadgen/70.0"]


def test_what_was_not_measured_has_no_section() -> None:
    text = as_markdown(report(skipped_case("model.plan")))
    assert not any(heading in text for heading in ("From files to labels", "MLPerf", "report.png"))


def test_the_terminal_shows_noise_first_and_a_passed_control_after_the_table() -> None:
    noisy = terminal_text(with_verdicts(report(case_result(KERAS, 80), control=1.2)))
    assert noisy.startswith("The machine is too noisy")
    quiet = terminal_text(complete())
    assert quiet.startswith("Temper on <images> & more: 400 held-out images at 224 pixels\n")
    assert quiet.index("A/A control") > quiet.index("top-1 %")
