from pathlib import Path
from typing import Any

import pytest

from experiments.conversion.run import TITLES, parse, result_table, run, stage_table

CARD = {
    "size": 16,
    "agreement": {"images": 16, "top1": 0.5, "keras_top1": 0.75, "agreement": 0.9, "mean_difference": 0.01},
    "calibration": {"method": "max", "excluded": [{"layer": "stem", "mean_abs_diff": 0.1}]},
}


def measured(seconds: float, *stages: str) -> dict[str, Any]:
    return {"stages": {stage: {"cpu": seconds, "seconds": 1.0} for stage in stages}, "cards": {".onnx": CARD}}


def test_a_version_that_lacks_a_stage_has_an_empty_cell() -> None:
    first, second = list(TITLES)[:2]
    rounds = {"before": [measured(4, first)], "now": [measured(1, first, second), measured(3, first, second)]}
    assert list(stage_table(rounds).rows) == [
        (TITLES[first], "4.0", "2.0"),
        (TITLES[second], "", "2.0"),
        ("all", "4.0", "4.0"),
    ]


def test_results_are_shown_for_each_version_and_artifact() -> None:
    rejected = {"stages": {}, "cards": {".onnx": {"rejected": "too bad"}}}
    assert list(result_table({"before": [rejected], "now": [measured(1)]}).rows) == [
        ("before", ".onnx", "rejected", "", "", "", "", ""),
        ("now", ".onnx", "50.00", "75.00", "90.00", "0.01000", "max", "stem"),
    ]


@pytest.mark.programs
def test_a_model_is_converted_in_a_process_of_its_own_and_stays_as_it_is(bundle: Path, tmp_path: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in bundle.parent.iterdir()}
    out = tmp_path / "conversion.md"
    assert run(parse([str(bundle), "--out", str(out), "--note", "*now*: this."])) == 0
    text = out.read_text()
    assert f"## {bundle.parent.name}: 16 pixels" in text
    assert "of one conversion, the versions in turn. *now*: this." in text
    assert "| activation ranges |" in text
    assert "| now | .xml |" in text
    assert {path.name: path.stat().st_mtime_ns for path in bundle.parent.iterdir()} == before
