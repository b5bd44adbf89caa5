from pathlib import Path

import numpy as np
import onnx
import pytest

from convert.calibration import calibrate
from convert.to_fp16 import to_fp16
from convert.to_int8 import to_int8
from convert.to_tensorrt import find_tensorrt, to_tensorrt
from temper.errors import MissingRuntime, UserError


@pytest.fixture
def trt() -> object:
    try:
        return find_tensorrt()
    except MissingRuntime as missing:
        pytest.skip(str(missing))


@pytest.fixture
def stored(made_bundle: Path, tmp_path: Path) -> Path:
    """The tiny classifier as ONNX in all three precisions, in a folder."""
    fp32 = made_bundle.with_name("model.fp32.onnx")
    (tmp_path / "fp32.onnx").write_bytes(fp32.read_bytes())
    to_fp16(fp32, tmp_path / "fp16.onnx")
    images = np.random.default_rng(0).integers(0, 255, (20, 16, 16, 3), dtype=np.uint8)
    to_int8(fp32, tmp_path / "int8.onnx", calibrate(fp32, [images], "max"))
    return tmp_path


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_plan_is_really_built(trt: object, stored: Path, precision: str) -> None:
    facts = to_tensorrt(stored / f"{precision}.onnx", stored / "model.plan", (1, 4, 16))
    assert (stored / "model.plan").stat().st_size > 5_000
    assert facts["batch"] == (1, 4, 16)
    assert any(name.startswith("tensorrt") for name in facts["made_with"])


def test_a_graph_it_cannot_read_is_one_sentence_with_node_and_operator(trt: object, stored: Path) -> None:
    model = onnx.load(stored / "fp32.onnx")
    next(node for node in model.graph.node if node.name == "softmax").op_type = "NoSuchOperator"
    onnx.save(model, stored / "odd.onnx")
    with pytest.raises(UserError, match=r"'softmax' \(NoSuchOperator\)"):
        to_tensorrt(stored / "odd.onnx", stored / "model.plan")
    assert not (stored / "model.plan").exists()


def test_without_tensorrt_the_message_says_what_to_install(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr("convert.to_tensorrt.importlib.import_module", absent)
    with pytest.raises(MissingRuntime, match="pip install tensorrt-rtx-cu13"):
        to_tensorrt(stored / "fp32.onnx", stored / "model.plan")
