from pathlib import Path

import pytest

from experiments import open_close_cycles
from temper.artifact import Artifact


@pytest.mark.slow
def test_memory_is_measured_after_the_warm_up_and_after_each_tenth(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_close_cycles, "WARM_UP", 2)
    onnx = Artifact.at(bundle).sibling("fp32", ".onnx")
    resident = open_close_cycles.memory_over_cycles(onnx, 20)
    assert len(resident) == 11
    assert 10 < min(resident) <= max(resident) < 4096


@pytest.mark.programs
def test_the_report_has_a_row_for_each_artifact(bundle: Path, tmp_path: Path) -> None:
    onnx, out = bundle.with_name("model.fp32.onnx"), tmp_path / "cycles.md"
    open_close_cycles.run(open_close_cycles.parse([str(onnx), "--cycles", "10", "--out", str(out)]))
    lines = out.read_text().splitlines()
    assert lines[0] == "# Memory over 10 openings"
    assert [line.split(" | ")[0] for line in lines if line.startswith("| .")] == ["| .onnx"]
