from pathlib import Path

import pytest

from experiments.cold_start import run as cold_start
from temper.artifact import Artifact
from temper.errors import ArtifactError
from tests import tiny


def test_the_smallest_time_of_each_name_counts() -> None:
    assert cold_start.smallest([{"a": 2.0, "b": 5.0}, {"a": 3.0}]) == {"a": 2.0, "b": 5.0}


def test_a_folder_without_artifacts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"holds none of \.int8\.onnx"):
        cold_start.run(cold_start.parse([str(tmp_path), "a.jpg"]))


@pytest.mark.programs
def test_a_classifier_is_measured_by_stage_and_by_import(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five processes: the first start, this tree, the library alone, stages, imports."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(cold_start, "STARTS_IN_A_ROUND", 1)
    monkeypatch.setattr(cold_start, "_repetitions", lambda suffix: 1)
    int8 = Artifact.at(bundle).sibling("int8", ".onnx")
    tiny.pipeline_of(bundle, calibration_method="max").build(int8, "int8")
    (tmp_path / "artifacts").mkdir()
    for path in (int8.path, int8.card_path):
        path.rename(tmp_path / "artifacts" / path.name)
    image = next((bundle.parent / "images").rglob("*.png"))
    out = tmp_path / "cold-start.md"
    words = [str(tmp_path / "artifacts"), str(image), "--rounds", "1", "--out", str(out)]
    assert cold_start.run(cold_start.parse(words)) == 0
    text = out.read_text()
    assert "| .int8.onnx | the library alone |" in text
    assert "| load: session |" in text and "| first inference |" in text
    assert "| onnxruntime.capi.onnxruntime_pybind11_state |" in text
