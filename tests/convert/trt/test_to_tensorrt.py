import json
import os
from pathlib import Path

import numpy as np
import onnx
import pytest

from convert.precision.calibration import calibrate
from convert.precision.fp16_graph import to_fp16
from convert.precision.qdq import to_int8
from convert.trt.build_options import BuildOptions
from convert.trt.to_tensorrt import find_tensorrt, to_tensorrt
from temper.errors import MissingRuntime, UserError
from temper.system.gpu import find_gpu

pytestmark = pytest.mark.programs


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "temper"


@pytest.fixture
def trt() -> str:
    try:
        return find_tensorrt()[0]
    except MissingRuntime as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def stored(made_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny classifier as ONNX in all three precisions, in a folder."""
    folder = tmp_path_factory.mktemp("onnx")
    fp32 = made_bundle.with_name("model.fp32.onnx")
    (folder / "fp32.onnx").write_bytes(fp32.read_bytes())
    to_fp16(fp32, folder / "fp16.onnx")
    images = np.random.default_rng(0).integers(0, 255, (20, 16, 16, 3), dtype=np.uint8)
    to_int8(fp32, folder / "int8.onnx", calibrate(fp32, [images], "max"))
    return folder


@pytest.mark.parametrize(("precision", "kernels"), [("fp32", "4 fp32"), ("fp16", "4 fp16"), ("int8", "3 int8, 1 fp32")])
def test_a_plan_is_built_in_the_precision_of_its_graph(
    trt: str, stored: Path, tmp_path: Path, cache_folder: Path, precision: str, kernels: str
) -> None:
    facts = to_tensorrt(stored / f"{precision}.onnx", tmp_path / "model.plan", (2, 4, 16))
    assert (tmp_path / "model.plan").stat().st_size > 5_000
    assert facts["batch"] == (2, 4, 16)
    assert facts["made_with"][trt]
    assert facts["made_on"]["kernels"] == kernels
    named = facts["made_on"]["timing_cache"].split()[0]
    assert (cache_folder / named).is_file()
    layers = json.loads((tmp_path / "model.plan.layers.json").read_text())["Layers"]
    assert any("stem" in layer["Metadata"] for layer in layers)


def test_several_profiles_span_one_range(trt: str, stored: Path, tmp_path: Path) -> None:
    options = BuildOptions(profiles=((1, 1, 1), (64, 64, 64)), level=1, workspace_mib=64)
    facts = to_tensorrt(stored / "fp32.onnx", tmp_path / "model.plan", (2, 4, 16), options)
    assert facts["batch"] == (1, 4, 64)


def test_a_plan_for_one_kind_of_gpu_is_another_plan(trt: str, stored: Path, tmp_path: Path) -> None:
    if trt != "tensorrt_rtx":
        pytest.skip("TensorRT builds for the GPU it runs on")
    to_tensorrt(stored / "fp32.onnx", tmp_path / "usual.plan")
    facts = to_tensorrt(
        stored / "fp32.onnx", tmp_path / "ada.plan", options=BuildOptions(compute_capabilities=("8.9",))
    )
    assert facts["made_on"]["targets"] == "8.9"
    assert (tmp_path / "ada.plan").read_bytes() != (tmp_path / "usual.plan").read_bytes()


def test_what_a_kind_of_gpu_cannot_do_is_told_in_the_compilers_words(trt: str, stored: Path, tmp_path: Path) -> None:
    if trt != "tensorrt_rtx":
        pytest.skip("TensorRT builds for the GPU it runs on")
    with pytest.raises(UserError, match="'head' for Turing"):
        to_tensorrt(stored / "fp32.onnx", tmp_path / "model.plan", options=BuildOptions(compute_capabilities=("7.5",)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (BuildOptions(compute_capabilities=("9.0",)), "SM89.*not for 9.0"),
        (BuildOptions(portable=("version",)), "has no portable="),
    ],
)
def test_what_tensorrt_rtx_cannot_do_is_said(
    trt: str, stored: Path, tmp_path: Path, options: BuildOptions, words: str
) -> None:
    if trt != "tensorrt_rtx":
        pytest.skip("an option of TensorRT-RTX")
    with pytest.raises(UserError, match=words):
        to_tensorrt(stored / "fp32.onnx", tmp_path / "model.plan", options=options)
    assert not list(tmp_path.glob("*plan*"))


def test_a_graph_it_cannot_read_is_one_sentence_with_node_and_operator(trt: str, stored: Path, tmp_path: Path) -> None:
    model = onnx.load(stored / "fp32.onnx")
    next(node for node in model.graph.node if node.name == "softmax").op_type = "NoSuchOperator"
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(UserError, match=r"'softmax' \(NoSuchOperator\)") as caught:
        to_tensorrt(tmp_path / "odd.onnx", tmp_path / "model.plan")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "model.plan").exists()


def test_a_file_that_is_no_graph_is_refused(trt: str, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("not a graph")
    with pytest.raises(UserError, match=r"cannot read .*text\.onnx"):
        to_tensorrt(tmp_path / "text.onnx", tmp_path / "model.plan")


def test_a_crash_of_the_compiler_is_an_error_and_leaves_nothing(
    trt: str, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convert.trt.to_tensorrt.build", _crash)
    with pytest.raises(UserError, match="crashed \\(SIGABRT\\)"):
        to_tensorrt(stored / "fp32.onnx", tmp_path / "model.plan")
    assert not list(tmp_path.glob("*plan*"))


def _crash(*_: object) -> None:
    os.abort()


@pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU here")
def test_without_tensorrt_the_message_says_what_to_install(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr("convert.trt.to_tensorrt.importlib.import_module", absent)
    with pytest.raises(MissingRuntime, match="pip install tensorrt-rtx-cu13"):
        to_tensorrt(stored / "fp32.onnx", tmp_path / "model.plan")
