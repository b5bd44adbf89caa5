"""What ONNX Runtime's runner does besides the contract of all runners (test_contract.py)."""

from pathlib import Path

import numpy as np
import onnxruntime as ort

from temper.artifact import Artifact
from temper.card import read_card
from temper.runners.onnxruntime import OnnxRuntimeRunner, open_session


def test_a_file_and_its_bytes_open_the_same_network(made_bundle: Path) -> None:
    path = made_bundle.with_name("model.fp32.onnx")
    images = np.full((1, 16, 16, 3), 128, np.uint8)
    by_path, by_bytes = (
        open_session(model).run(None, {"images": images})[0] for model in (str(path), path.read_bytes())
    )
    assert (by_path == by_bytes).all()


def test_the_optimized_graph_is_written_where_it_is_asked_for(made_bundle: Path, tmp_path: Path) -> None:
    target = tmp_path / "optimized.onnx"
    open_session(str(made_bundle.with_name("model.fp32.onnx")), target=str(target))
    images = np.full((1, 16, 16, 3), 128, np.uint8)
    session = open_session(str(target), ort.GraphOptimizationLevel.ORT_DISABLE_ALL)
    assert np.allclose(session.run(None, {"images": images})[0].sum(), 1, atol=1e-5)


def test_fp16_is_reported_as_executed_in_fp32(made_bundle: Path) -> None:
    path = made_bundle.with_name("model.fp32.onnx")
    with OnnxRuntimeRunner(Artifact.with_card(path, read_card(path).changed(precision="fp16"))) as runner:
        assert runner.runtime_info().executed == "fp32"
