"""Providers of ONNX Runtime for a GPU, as far as a machine without one goes: another session stands in for CUDA's."""

import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from onnxruntime.capi import onnxruntime_pybind11_state as status

from temper.artifact import Artifact
from temper.card import Card, Precision
from temper.runners import onnxruntime
from temper.runners.base import Images, Probabilities
from temper.runners.load import open_runner
from temper.runners.onnxruntime import OnnxRuntimeRunner, open_session
from temper.runners.ort import providers
from temper.runners.ort.providers import CPU, CUDA, TENSORRT, executed_on_gpu, gpu_provider, is_for_gpus
from temper.storage.cache import MAX_ENTRIES
from temper.system.environment import Environment, Runtime
from temper.system.gpu import Gpu

GPU = Gpu(name="NVIDIA L4", compute_capability="8.9")
TRT = {"tensorrt": Runtime(version="11.4.0")}


@pytest.fixture(autouse=True)
def gpu_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What onnxruntime-gpu says of itself."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(ort, "get_available_providers", lambda: [TENSORRT, CUDA, CPU])


@pytest.mark.parametrize(
    ("precision", "environment", "expected"),
    [
        ("fp16", Environment(gpu=GPU), CUDA),
        ("fp32", Environment(gpu=GPU, tensorrt=TRT), CUDA),
        ("int8", Environment(gpu=GPU, tensorrt=TRT), TENSORRT),
        ("int8", Environment(gpu=GPU), None),
        ("int8", Environment(gpu=GPU, tensorrt={"tensorrt": Runtime(version="11.4.0", has_library=False)}), None),
        ("int8", Environment(gpu=GPU, tensorrt={"tensorrt_rtx": Runtime(version="1.7.1")}), None),
        ("fp16", Environment(), None),
    ],
)
def test_a_gpu_runs_what_it_executes_in_the_precision_of_the_file(
    precision: Precision, environment: Environment, expected: str | None
) -> None:
    provider = gpu_provider(card(precision), environment)
    assert (provider and provider[0]) == expected


def test_without_a_build_for_gpus_the_cpu_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_for_gpus()
    monkeypatch.setattr(ort, "get_available_providers", lambda: [CPU])
    assert not is_for_gpus()
    assert gpu_provider(card("fp16"), Environment(gpu=GPU, tensorrt=TRT)) is None


def test_fp32_is_not_rounded_to_tf32() -> None:
    assert gpu_provider(card("fp32"), Environment(gpu=GPU, tensorrt=TRT)) == (CUDA, {"use_tf32": "0"})


def test_tensorrt_builds_one_engine_for_all_batches_and_remembers_its_timings() -> None:
    options = tensorrt_options(card("int8"))
    assert [options[f"trt_profile_{end}_shapes"] for end in ("min", "opt", "max")] == [
        "images:1x16x16x3", "images:8x16x16x3", "images:32x16x16x3",
    ]  # fmt: skip
    assert options["trt_engine_cache_enable"] == options["trt_timing_cache_enable"] == "1"
    assert options["trt_timing_cache_path"] == options["trt_engine_cache_path"]


def test_the_engines_of_each_file_are_apart_and_those_not_used_for_long_are_removed(tmp_path: Path) -> None:
    paths = []
    for i in range(MAX_ENTRIES + 1):
        paths.append(Path(tensorrt_options(card("int8", f"{i:064x}"))["trt_engine_cache_path"]))
        (paths[-1] / "of_the_graph.engine").touch()
        os.utime(paths[-1], (i, i))
        assert tensorrt_options(card("int8", "0" * 64))["trt_engine_cache_path"] == str(paths[0])
    # The one of the first file is used all the time, so the second is the oldest.
    assert [path.exists() for path in paths] == [True, False, *[True] * (MAX_ENTRIES - 1)]
    assert all(
        path.parent == tmp_path / "temper" and path.stat().st_mode & 0o77 == 0 for path in paths if path.exists()
    )


def test_without_a_cache_folder_tensorrt_still_gets_its_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "cached_folder", not_writable)
    options = tensorrt_options(card("int8"))
    assert options["trt_profile_max_shapes"] == "images:32x16x16x3"
    assert not any("cache" in name for name in options)


def card(precision: Precision, sha256: str = "1" * 64) -> Card:
    return Card(labels=("cat", "dog"), size=16, precision=precision, sha256=sha256)


def tensorrt_options(of: Card) -> dict[str, str]:
    name, options = gpu_provider(of, Environment(gpu=GPU, tensorrt=TRT)) or ("", {})
    assert name == TENSORRT
    return dict(options)


def not_writable(*_: str) -> Path:
    raise PermissionError(13, "it belongs to another user")


def test_the_nodes_that_the_provider_executes_are_read_back() -> None:
    def session(*assigned: tuple[str, int]) -> Any:
        info = [SimpleNamespace(ep_name=name, get_nodes=lambda n=n: [0] * n) for name, n in assigned]
        return SimpleNamespace(get_providers=lambda: [CUDA, CPU], get_provider_graph_assignment_info=lambda: info)

    assert executed_on_gpu(session((CUDA, 120), (CPU, 2)), CUDA, "fp16") == "fp16 by CUDA, 120 of 122 nodes"
    assert executed_on_gpu(session((CPU, 122)), CUDA, "fp16") == ""
    old = SimpleNamespace(get_providers=lambda: [CUDA, CPU])
    assert executed_on_gpu(old, CUDA, "fp16") == "fp16 by CUDA"
    assert executed_on_gpu(SimpleNamespace(get_providers=lambda: [CPU]), CUDA, "fp16") == ""


def test_real_sessions_say_which_provider_executes_their_nodes(
    made_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ort.SessionOptions()
    options.add_session_config_entry(providers.RECORD_NODES, "1")
    session = ort.InferenceSession(str(made_bundle.with_name("model.fp32.onnx")), options, providers=[CPU])
    if not hasattr(session, "get_provider_graph_assignment_info"):
        pytest.skip("this version of ONNX Runtime does not say which provider executes a node")
    monkeypatch.setitem(providers.TITLES, CPU, "the CPU")
    assert re.fullmatch(r"fp32 by the CPU, (\d+) of \1 nodes", executed_on_gpu(session, CPU, "fp32"))


def test_a_provider_that_does_not_start_leaves_the_cpu_with_a_warning(
    made_bundle: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    artifact = Artifact.at(made_bundle.with_name("model.fp32.onnx"))
    images = np.full((2, 16, 16, 3), 99, np.uint8)
    with open_runner(artifact) as runner:
        expected = runner.predict(images)
    monkeypatch.setattr("temper.system.environment.detect_environment", lambda: Environment(gpu=GPU))
    # The real library, which has no such provider, warns and goes on with the CPU: as with a missing cuDNN.
    with pytest.warns(UserWarning, match="CUDAExecutionProvider"), OnnxRuntimeRunner(artifact) as runner:
        assert np.array_equal(runner.predict(images), expected)
        assert (runner.runtime_info().device, runner.runtime_info().executed) == ("CPU", "fp32")
    assert "provider for CUDA does not start here; the CPU is used" in caplog.text


def test_a_session_on_the_gpu_is_reported_with_its_device(made_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = Artifact.at(made_bundle.with_name("model.fp32.onnx"))
    monkeypatch.setattr("temper.system.environment.detect_environment", lambda: Environment(gpu=GPU))
    monkeypatch.setattr(onnxruntime, "executed_on_gpu", lambda *_: "fp32 by CUDA, 9 of 9 nodes")
    with pytest.warns(UserWarning, match="CUDAExecutionProvider"), OnnxRuntimeRunner(artifact) as runner:
        info = runner.runtime_info()
    assert (info.device, info.executed) == ("NVIDIA L4", "fp32 by CUDA, 9 of 9 nodes")


def test_no_call_of_tensorrt_has_more_images_than_its_engine(
    tensorrt: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, sizes = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), np.uint8), list[int]()
    with pytest.warns(UserWarning, match="TensorrtExecutionProvider"), OnnxRuntimeRunner(tensorrt) as runner:
        run = runner._run

        def counted(batch: Images) -> Probabilities:
            sizes.append(len(batch))
            return run(batch)

        monkeypatch.setattr(runner, "_run", counted)
        assert runner.predict(images).shape[0] == 40
    assert sizes == [32, 8]


def test_the_name_of_an_engine_is_that_of_no_path_of_a_process(
    tensorrt: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = []

    def opened(model: str | bytes, **options: Any) -> ort.InferenceSession:
        sources.append(model)
        return open_session(model)

    monkeypatch.setattr(onnxruntime, "open_session", opened)
    OnnxRuntimeRunner(tensorrt).close()
    assert [type(each) for each in sources] == [bytes]


def test_a_graph_that_tensorrt_refuses_runs_on_the_cpu_with_its_reason(
    tensorrt: Artifact, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(model: str | bytes, *words: Any, provider: Any = None, **options: Any) -> ort.InferenceSession:
        if provider:
            raise status.EPFail("Following input(s) has no associated shape profiles provided: cast")
        return open_session(model, *words, **options)

    monkeypatch.setattr(onnxruntime, "open_session", refused)
    with OnnxRuntimeRunner(tensorrt) as runner:
        assert runner.predict(np.full((40, 16, 16, 3), 99, np.uint8)).shape[0] == 40
        assert runner.runtime_info().device == "CPU"
    assert "no associated shape profiles provided: cast); the CPU is used" in caplog.text


@pytest.fixture
def tensorrt(made_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Artifact:
    """A file that TensorRT's provider is chosen for; the real library goes on with the CPU's."""
    monkeypatch.setattr("temper.system.environment.detect_environment", lambda: Environment(gpu=GPU, tensorrt=TRT))
    monkeypatch.setattr(onnxruntime, "gpu_provider", lambda *_: (TENSORRT, {}))
    monkeypatch.setattr(onnxruntime, "executed_on_gpu", lambda *_: "int8 by TensorRT, 9 of 9 nodes")
    return Artifact.at(made_bundle.with_name("model.fp32.onnx"))
