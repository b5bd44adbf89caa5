import msgspec

from benchmarks.measurement.latency_budget import RateWithinLimit
from benchmarks.rendering.sections import (
    end_to_end_table,
    facts,
    recommendation_table,
    scenario_table,
    scenarios_text,
    within_limit_table,
)
from tests.benchmarks.sample_reports import KERAS, case_result, complete, estimate, report, skipped_case


def test_of_the_server_runs_only_the_one_at_the_highest_rate_is_shown() -> None:
    assert [row[-1] for row in scenario_table(complete()).rows] == ["loadgen/70.0"]
    assert "within 100 ms" in scenarios_text(complete())


def test_the_rate_within_the_limit_has_a_row_or_says_that_there_is_none() -> None:
    found = RateWithinLimit(limit_ms=20, max_batch=4, images_per_second=81.25, p99_ms=18.5)
    cases = [
        case_result(KERAS, 80),
        msgspec.structs.replace(case_result("a.onnx", 5), within_limit=found),
        msgspec.structs.replace(
            case_result("b.onnx", 50), within_limit=msgspec.structs.replace(found, images_per_second=0.0, p99_ms=52.0)
        ),
    ]
    assert within_limit_table(report(*cases)).rows == [
        ["a.onnx", "20", "81.2", "18.5", "4"],
        ["b.onnx", "20", "none", "52.0 for a call alone", "–"],
    ]


def test_end_to_end_runs_have_a_row_each() -> None:
    (row,) = end_to_end_table(complete()).rows
    assert row == ["model.onnx", "original size", "overlapped", "100.0", "–", "1.00", "2.00", "3.00", "50.0"]
    assert not end_to_end_table(report(case_result(KERAS, 80))).rows


def test_every_artifact_has_a_recommendation() -> None:
    made = report(case_result(KERAS, 80), case_result("model.onnx", 20, estimate(4.0)), skipped_case("model.plan"))
    assert recommendation_table(made).rows == [
        [KERAS, "is the baseline."],
        ["model.onnx", "Recommended."],
        ["model.plan", "did not run: no GPU here."],
    ]


def test_the_facts_contain_machine_conditions_versions_and_the_note_if_there_is_one() -> None:
    made = report(case_result(KERAS, 80))
    assert facts(made) == {
        "processor": "some processor",
        "cores": "2",
        "system": made.host.system,
        "memory": f"{made.host.memory_gib} GiB",
        "load before": "0.10",
        "load after": "0.20",
        "python": "3",
        "created": "2026-01-01 00:00 UTC",
        "command": "python benchmarks/run.py",
    }
    assert facts(msgspec.structs.replace(made, note="converted"))["note"] == "converted"
