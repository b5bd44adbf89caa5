from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from convert.triton.write import parse_triton, triton_target, write_models
from temper.artifact import Artifact
from temper.card import BatchRange
from temper.errors import UsageError
from temper.reference import read_golden
from temper.runners.load import open_runner
from tests.tiny import pipeline_of

BATCH = BatchRange(1, 8, 32)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_published_network_predicts_what_the_runner_predicts(bundle: Path, tmp_path: Path, precision: str) -> None:
    target = Artifact.at(bundle).sibling(precision, ".onnx")  # type: ignore[arg-type]
    artifact = pipeline_of(bundle).build(target, precision)  # type: ignore[arg-type]
    names = write_models(artifact, tmp_path / "models", batch=BATCH, with_jpeg=True)
    assert names == ["model", "model_decode", "model_jpeg"]
    images = read_golden(artifact)[0]
    session = ort.InferenceSession(str(tmp_path / "models" / "model" / "1" / "model.onnx"))
    with open_runner(artifact) as runner:
        np.testing.assert_allclose(session.run(None, {"images": images})[0], runner.predict(images), atol=1e-6)
    assert (tmp_path / "models" / "model_jpeg" / "labels.txt").read_text() == "blue\nred\n"


def test_without_a_target_the_onnx_file_is_taken_where_tensorrt_builds_no_plan(bundle: Path) -> None:
    targets = [Artifact.at(bundle).sibling("fp32", suffix) for suffix in (".savedmodel", ".onnx", ".xml")]
    assert triton_target(targets, is_named=False).name == "model.fp32.onnx"


def test_one_target_that_triton_runs_is_taken(bundle: Path) -> None:
    onnx, xml = (Artifact.at(bundle).sibling("fp32", suffix) for suffix in (".onnx", ".xml"))
    with pytest.raises(UsageError, match="takes one target"):
        triton_target([onnx, xml], is_named=True)
    with pytest.raises(UsageError, match="Triton does not run"):
        triton_target([xml], is_named=True)


def test_where_triton_runs_no_default_target_another_precision_is_named(bundle: Path) -> None:
    # Of an adopted ONNX file, the fp32 ONNX file is the model itself, and no target.
    for targets in ([], [Artifact.at(bundle).sibling("fp32", ".xml")]):
        with pytest.raises(UsageError, match=r"none of the default targets of this precision\. .*--precision int8"):
            triton_target(targets, is_named=False)


def test_a_value_without_a_folder_is_refused() -> None:
    assert parse_triton("models") == (Path("models"), False)
    for text in ("", ",jpeg"):
        with pytest.raises(UsageError, match="names no folder"):
            parse_triton(text)
