import dataclasses

from benchmarks.rendering.table import rows
from tests.benchmarks.made import KERAS, line, report


def cell(head: str, turns: int) -> str:
    one = line(KERAS, 80, None)
    assert one.latency
    latency = dataclasses.replace(one.latency, turns_ms=one.latency.turns_ms[:1] * turns)
    heads, cells = rows(report(dataclasses.replace(one, latency=latency)))
    return cells[heads.index(head)]


def test_a_p99_of_too_few_calls_is_shown_as_a_lower_bound() -> None:
    assert cell("p99 ms", turns=91).startswith("≥ 8"), "364 calls"
    assert cell("p99 ms", turns=92).startswith("8"), "368 calls"
    assert cell("p50 ms", turns=1).startswith("8")


def test_columns_without_figures_are_left_out() -> None:
    heads = rows(report(line(KERAS, 80, None)))[0]
    assert "MB" in heads
    assert not {"network ms", "GPU MiB", "J/image", "build s"} & set(heads)


def test_a_cold_start_is_told_against_the_references_with_the_extremes() -> None:
    ours = line("model.int8.onnx", 20, None)
    assert ours.costs
    quick = dataclasses.replace(ours, costs=dataclasses.replace(ours.costs, cold_starts_seconds=(0.1, 0.25, 0.2)))
    heads, theirs, cells = rows(report(line(KERAS, 80, None), quick))
    assert cells[heads.index("× its cold start")] == "10.0 [4.0, 30.0]"
    assert theirs[heads.index("× its cold start")] == "–"
