import msgspec
import pytest

from benchmarks.analysis.report import CaseResult, Costs
from benchmarks.analysis.statistics import Estimate
from benchmarks.rendering.table import main_table
from tests.benchmarks.sample_reports import KERAS, case_result, estimate, report, skipped_case

replace = msgspec.structs.replace


def cell(heading: str, *cases: CaseResult, row: int = -1) -> str:
    table = main_table(report(*cases))
    return table.rows[row][list(table.headings).index(heading)]


def with_blocks(count: int) -> CaseResult:
    case = case_result(KERAS, 80)
    assert case.latency
    return replace(case, latency=replace(case.latency, blocks_ms=case.latency.blocks_ms[:1] * count))


def test_a_p99_of_too_few_calls_is_shown_as_a_lower_bound() -> None:
    assert cell("p99 ms", with_blocks(91)).startswith("≥ 8"), "364 calls"
    assert cell("p99 ms", with_blocks(92)).startswith("8"), "368 calls"
    assert cell("p50 ms", with_blocks(1)).startswith("8")


def test_columns_without_values_are_left_out() -> None:
    headings = main_table(report(case_result(KERAS, 80))).headings
    assert "MB" in headings
    assert not {"network ms", "GPU MiB", "J/image", "build s"} & set(headings)


def test_headings_use_the_words_of_the_field() -> None:
    table = main_table(report(case_result(KERAS, 80), case_result("model.onnx", 20, estimate(4.0))))
    assert list(table.headings[:4]) == ["artifact", "executed precision", "top-1 %", "agreement %"]
    assert {f"speedup vs {KERAS}", "speedup at batch 8", "cold-start speedup"} <= set(table.headings)
    assert table.right == frozenset(range(2, len(table.headings)))


def test_one_cold_start_has_no_interval() -> None:
    keras, ours = case_result(KERAS, 80), case_result("model.int8.onnx", 20)
    once = [replace(each, costs=replace(each.costs, cold_start_seconds=(2.0,))) for each in (keras, ours)]
    assert cell("cold-start speedup", *once) == "1.0"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Estimate(0.0988, 0.0668, 0.12), "0.10 [0.07, 0.12]"),
        (Estimate(0.0512, 0.04, 0.12), "0.051 [0.040, 0.120]"),
        (Estimate(4.934, 4.86, 12.345), "4.93 [4.86, 12.35]"),
    ],
)
def test_the_value_decides_the_digits_of_its_interval(value: Estimate, text: str) -> None:
    assert cell(f"speedup vs {KERAS}", case_result(KERAS, 80), case_result("model.onnx", 20, value)) == text


def test_a_cold_start_is_compared_with_the_baselines_and_shown_with_the_extremes() -> None:
    ours = case_result("model.int8.onnx", 20)
    quick = replace(ours, costs=replace(ours.costs, cold_start_seconds=(0.1, 0.25, 0.2)))
    assert cell("cold-start speedup", case_result(KERAS, 80), quick) == "10.0 [4.0, 30.0]"
    assert cell("cold-start speedup", case_result(KERAS, 80), quick, row=0) == "–"


def test_fractions_are_percent_and_small_values_get_more_digits() -> None:
    costs = Costs(megabytes=0.0012, peak_rss_mib=None, cold_start_seconds=(), fraction_of_peak=0.5)
    case = replace(case_result(KERAS, 80), costs=costs)
    assert (cell("% of peak", case), cell("MB", case), cell("top-1 %", case)) == ("50", "0.001", "95.0")


def test_a_skipped_case_has_empty_cells() -> None:
    row = main_table(report(case_result(KERAS, 80), skipped_case("model.plan"))).rows[1]
    assert list(row[:3]) == ["model.plan", "skipped", "–"]
