import json
import os
import types
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from convert.exporters.strides import stride_early
from convert.job import CardFields, Job
from convert.precision.fp16_graph import fp16_graph
from convert.precision.qdq import quantize
from convert.trt import find
from convert.trt.find import find_tensorrt
from convert.trt.to_tensorrt import convert
from temper.artifact import Artifact
from temper.card import BatchRange, PlanInfo, Precision
from temper.errors import MissingRuntime, UsageError, UserError
from tests import tiny
from tests.residual import pixels, quantized, residual_blocks

pytestmark = pytest.mark.programs
Build = Callable[..., CardFields]


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "temper"


@pytest.fixture
def trt() -> str:
    try:
        return find_tensorrt().module
    except MissingRuntime as missing:
        pytest.skip(str(missing))


@pytest.fixture
def rtx(trt: str) -> str:
    if trt != "tensorrt_rtx":
        pytest.skip("TensorRT builds for the GPU it runs on")
    return trt


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return tmp_path / "model.plan"


@pytest.fixture
def build(bundle: Path, plan: Path) -> Build:
    """Builds a plan of the tiny classifier, or of another ONNX file."""

    def build(
        source: Path | None = None,
        target: Path = plan,
        builder_options: tuple[str, ...] = (),
        precision: Precision = "fp32",
    ) -> CardFields:
        pipeline = tiny.pipeline_of(bundle, batch=BatchRange(2, 4, 16), builder_options=builder_options)
        artifact = Artifact.at(source or bundle.with_name("model.fp32.onnx"))
        (fields,) = convert(
            Job(
                source=artifact,
                target=target,
                precision=precision,
                settings=pipeline.settings,
                dataset=pipeline.dataset,
            )
        )
        return fields

    return build


def plan_of(fields: CardFields) -> PlanInfo:
    assert fields.plan is not None
    return fields.plan


@pytest.fixture
def graphs(bundle: Path, tmp_path: Path) -> dict[str, Path]:
    """The tiny classifier as ONNX in all three precisions."""
    fp32 = bundle.with_name("model.fp32.onnx")
    dataset = tiny.pipeline_of(bundle).dataset
    ranges = tiny.max_ranges(fp32, *dataset.batches(dataset.examples("train")))
    onnx.save(fp16_graph(onnx.load(fp32)), tmp_path / "fp16.onnx")
    onnx.save(quantize(onnx.load(fp32), ranges), tmp_path / "int8.onnx")
    return {"fp32": fp32, "fp16": tmp_path / "fp16.onnx", "int8": tmp_path / "int8.onnx"}


@pytest.mark.parametrize(("precision", "kernels"), [("fp32", "4 fp32"), ("fp16", "4 fp16"), ("int8", "3 int8, 1 fp32")])
def test_a_plan_is_built_in_the_precision_of_its_graph(
    trt: str, build: Build, graphs: dict[str, Path], plan: Path, cache_folder: Path, precision: str, kernels: str
) -> None:
    fields = build(graphs[precision])
    assert plan.stat().st_size > 5_000
    assert fields.batch == BatchRange(2, 4, 16)
    info = plan_of(fields)
    assert info.module == trt
    assert info.version
    assert info.kernels == kernels
    assert (cache_folder / info.timing_cache.split()[0]).is_file()
    layers = json.loads(plan.with_name("model.plan.layers.json").read_text())["Layers"]
    assert any("stem" in layer["Metadata"] for layer in layers)


def test_a_residual_block_with_moved_strides_becomes_a_plan_in_int8(trt: str, build: Build, tmp_path: Path) -> None:
    network = residual_blocks()
    stride_early(network)
    onnx.save(quantized(network, pixels(16), tmp_path), tmp_path / "blocks.onnx")
    # Nine convolutions; the poolings of single places leave none of them in floating point.
    assert plan_of(build(tmp_path / "blocks.onnx")).kernels == "9 int8"


def test_what_int8_leaves_in_floating_point_is_half_precision_on_request(
    trt: str, build: Build, graphs: dict[str, Path], plan: Path
) -> None:
    info = plan_of(build(graphs["int8"], builder_options=("float=fp16",), precision="int8"))
    assert info.kernels == "3 int8, 1 fp16"
    assert sorted(path.name for path in plan.parent.glob("model.plan*")) == ["model.plan", "model.plan.layers.json"]


def test_half_precision_for_the_rest_is_for_int8_only(trt: str, build: Build) -> None:
    with pytest.raises(UsageError, match=r"float=fp16 is for int8, not for fp32"):
        build(builder_options=("float=fp16",))


def test_several_profiles_form_one_range(trt: str, build: Build) -> None:
    fields = build(builder_options=("profiles=1:1:1+64:64:64", "level=1", "workspace=64"))
    assert fields.batch == BatchRange(1, 4, 64)


def test_a_plan_for_one_kind_of_gpu_is_another_plan(rtx: str, build: Build, plan: Path) -> None:
    build()
    info = plan_of(build(target=plan.with_name("ada.plan"), builder_options=("compute_capabilities=8.9",)))
    assert info.compute_capabilities == ("8.9",)
    assert plan.with_name("ada.plan").read_bytes() != plan.read_bytes()


def test_what_a_kind_of_gpu_does_not_support_is_reported_in_the_compilers_words(rtx: str, build: Build) -> None:
    with pytest.raises(UserError, match="'head' for Turing"):
        build(builder_options=("compute_capabilities=7.5",))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("compute_capabilities=9.0", r"SM89.*not for 9\.0"),
        ("compatibility=version", "has no compatibility option"),
    ],
)
def test_an_option_that_tensorrt_rtx_does_not_support_is_a_usage_error(
    rtx: str, build: Build, tmp_path: Path, option: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        build(builder_options=(option,))
    assert not list(tmp_path.glob("*plan*"))


def test_a_graph_that_cannot_be_read_is_one_sentence_with_node_and_operator(
    trt: str, build: Build, bundle: Path, tmp_path: Path, plan: Path
) -> None:
    model = onnx.load(bundle.with_name("model.fp32.onnx"))
    next(node for node in model.graph.node if node.name == "softmax").op_type = "NoSuchOperator"
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(UserError, match=r"'softmax' \(NoSuchOperator\)") as caught:
        build(tmp_path / "odd.onnx")
    assert "\n" not in str(caught.value)
    assert not plan.exists()


def test_a_file_that_is_no_graph_is_refused(trt: str, build: Build, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("not a graph")
    with pytest.raises(UserError, match=r"cannot read .*text\.onnx"):
        build(tmp_path / "text.onnx")


def test_a_crash_of_the_compiler_is_an_error_and_leaves_nothing(
    trt: str, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convert.trt.to_tensorrt.build", _crash)
    with pytest.raises(UserError, match="crashed \\(SIGABRT\\)"):
        build()
    assert not list(tmp_path.glob("*plan*"))


def _crash(*_: object) -> None:
    os.abort()


def test_the_last_progress_of_a_build_is_complete(trt: str, bundle: Path, plan: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    pipeline = tiny.pipeline_of(bundle)
    job = Job(
        source=Artifact.at(bundle.with_name("model.fp32.onnx")),
        target=plan,
        precision="fp32",
        settings=pipeline.settings,
        dataset=pipeline.dataset,
        progress=lambda *step: steps.append(step),
    )
    next(convert(job))
    assert {name for name, _, _ in steps} == {steps[0][0]}
    assert steps[0][0].startswith(f"compiling model.plan with {trt}")
    assert steps[-1][1:] == (1, 1)


def test_without_tensorrt_the_error_names_what_to_install_and_nothing_is_written(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(find, "importlib", types.SimpleNamespace(import_module=absent))
    with pytest.raises(MissingRuntime, match="pip install tensorrt-rtx-cu13"):
        build()
    assert not list(tmp_path.glob("*plan*"))
