from pathlib import Path

from experiments.cold_start.processes import Start
from experiments.cold_start.report import ALONE, KERAS, NOW, Measured, ratio, sections
from temper.cli.tables import Table
from tests.source import ROOT


def rounds(*labels: float) -> list[list[Start]]:
    return [[Start(label=label, end=label + 1, cpu=label / 2)] for label in labels]


def test_a_ratio_is_that_of_the_medians_of_each_round() -> None:
    estimate = ratio(rounds(4000, 8000, 4000), rounds(100, 200, 100), "label")
    assert (estimate.value, estimate.low, estimate.high) == (40, 40, 40)


def test_every_program_has_a_row_and_small_modules_are_one_row() -> None:
    measured = Measured(
        starts={(KERAS, NOW): rounds(4000), (".int8.onnx", NOW): rounds(100), (".int8.onnx", ALONE): rounds(50)},
        stages={(".int8.onnx", NOW): {"session": 30.0, "first inference": 10.0}},
        imports={(".int8.onnx", NOW): {"numpy": 40.0, "os": 0.1, "re": 0.2}},
    )
    starts, stages, imports = (each for each in sections(measured, {NOW: ROOT}) if isinstance(each, Table))
    assert [row[5] for row in starts.rows] == ["1.0", "40.0", "80.0"]
    assert [tuple(row) for row in stages.rows] == [("session", "30.0"), ("first inference", "10.0"), ("sum", "40.0")]
    assert [tuple(row) for row in imports.rows] == [("numpy", "40.0"), ("2 others", "0.3"), ("sum", "40.3")]


def test_the_commit_of_each_tree_is_named(tmp_path: Path) -> None:
    text = next(iter(sections(Measured(starts={}), {NOW: ROOT, "before": tmp_path})))
    assert isinstance(text, str) and "before: unknown" in text
