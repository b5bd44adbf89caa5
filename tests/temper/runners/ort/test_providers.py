"""Providers of ONNX Runtime for a GPU, as far as a machine without one goes: another session stands in for CUDA's."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from temper.artifact import Artifact
from temper.card import Precision
from temper.runners import onnxruntime
from temper.runners.load import open_runner
from temper.runners.onnxruntime import OnnxRuntimeRunner
from temper.runners.ort import providers
from temper.runners.ort.providers import CPU, CUDA, TENSORRT, executed_on_gpu, gpu_provider, is_for_gpus
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
    provider = gpu_provider(precision, environment)
    assert (provider and provider[0]) == expected


def test_without_a_build_for_gpus_the_cpu_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_for_gpus()
    monkeypatch.setattr(ort, "get_available_providers", lambda: [CPU])
    assert not is_for_gpus()
    assert gpu_provider("fp16", Environment(gpu=GPU, tensorrt=TRT)) is None


def test_fp32_is_not_rounded_to_tf32_and_engines_are_stored_in_the_private_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = Environment(gpu=GPU, tensorrt=TRT)
    assert gpu_provider("fp32", environment) == (CUDA, {"use_tf32": "0"})
    options = dict((gpu_provider("int8", environment) or ("", {}))[1])
    assert options["trt_engine_cache_path"] == str(tmp_path / "temper")
    monkeypatch.setattr(providers, "private_folder", not_writable)
    assert "trt_engine_cache_path" not in (gpu_provider("int8", environment) or ("", {}))[1]


def not_writable() -> Path:
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
