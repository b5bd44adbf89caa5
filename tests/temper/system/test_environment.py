import sys

import pytest

from temper import formats
from temper.formats import FORMATS, Format
from temper.system import environment
from temper.system.environment import (
    TENSORRT,
    Environment,
    Runtime,
    detect_environment,
    format_environment,
    tensorrt_packages,
)
from temper.system.gpu import Gpu

L4 = Gpu(name="NVIDIA L4", compute_capability="8.9", driver="580.95.05", cuda="13.0")


def test_this_machine_is_detected_without_importing_the_libraries() -> None:
    before = set(sys.modules)
    detected = detect_environment()
    assert "onnxruntime" in detected.modules
    assert not {"tensorflow", "keras", "openvino", *TENSORRT} & (set(sys.modules) - before)


def test_the_modules_of_every_format_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = Format(
        suffix=".made-up", title="", runner="", install="",
        requires=("json", "no_such_module"), requires_one=("wave", "no_such_backend"),
    )  # fmt: skip
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, made_up))
    modules = detect_environment().modules
    assert {"json", "wave"} <= modules
    assert not {"no_such_module", "no_such_backend"} & modules


def test_a_machine_without_a_gpu_is_described() -> None:
    assert format_environment(Environment(int8="VNNI")) == [
        "system: Linux x86_64", "int8 on the processor: VNNI", "GPU: none",
    ]  # fmt: skip
    assert format_environment(detect_environment())[0].startswith("system: ")


def test_a_machine_with_a_gpu_is_described() -> None:
    tensorrt = {"tensorrt": Runtime(version="11.4.0.106", cuda=13)}
    assert format_environment(Environment(gpu=L4, tensorrt=tensorrt)) == [
        "system: Linux x86_64",
        "GPU: NVIDIA L4, compute capability 8.9",
        "driver: 580.95.05, CUDA up to 13.0",
        "TensorRT: tensorrt 11.4.0.106",
    ]


def test_a_gpu_without_a_working_driver_is_reported() -> None:
    lines = format_environment(Environment(has_nvidia_device=True))
    assert lines[1] == "GPU: an NVIDIA GPU whose driver does not respond"


@pytest.mark.parametrize(("package", "cuda"), [("tensorrt-cu13", 13), ("tensorrt-cu12", 12), ("tensorrt", 0)])
def test_an_installed_tensorrt_is_identified_by_its_package(
    monkeypatch: pytest.MonkeyPatch, package: str, cuda: int
) -> None:
    monkeypatch.setattr(environment, "_is_importable", lambda module: module == "tensorrt")
    monkeypatch.setattr(environment, "_installed_version", lambda name: "11.4.0" if name == package else "")
    monkeypatch.setattr(environment, "_has_library", lambda *_: False)
    assert detect_environment().tensorrt == {"tensorrt": Runtime(version="11.4.0", cuda=cuda, has_library=False)}


def test_packages_are_named_for_cuda_releases() -> None:
    assert tensorrt_packages("tensorrt_rtx") == ("tensorrt-rtx-cu13", "tensorrt-rtx-cu12", "tensorrt-rtx")
