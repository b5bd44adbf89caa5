"""This machine, as far as it decides which artifacts run: asked of the system, never of the libraries themselves."""

import ctypes.util
import importlib.metadata
import importlib.util
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from temper.system.gpu import Gpu, find_gpu, has_nvidia_device

# Module, the packages that bring it (the first is recommended), and the library it stands on.
TENSORRT = {
    "tensorrt": (("tensorrt-cu13", "tensorrt-cu12", "tensorrt"), "nvinfer"),
    "tensorrt_rtx": (("tensorrt-rtx-cu13", "tensorrt-rtx-cu12", "tensorrt-rtx"), "tensorrt_rtx"),
    "tensorrt_lean": (("tensorrt-lean-cu13", "tensorrt-lean-cu12", "tensorrt-lean"), "nvinfer_lean"),
}
NEEDS = {
    ".keras": ("keras", "tensorflow"),
    ".savedmodel": ("tensorflow",),
    ".tftrt": ("tensorflow",),
    ".onnx": ("onnxruntime", "onnx"),
    ".xml": ("openvino",),
}
CUDA_BINDINGS = ("cuda.bindings", "pycuda")


@dataclass(frozen=True)
class Runtime:
    """An installed TensorRT. cuda: CUDA's major version it was built for, 0 if unknown; whole: its library is there."""

    version: str
    cuda: int = 0
    whole: bool = True


@dataclass(frozen=True)
class Here:
    """This machine, as far as it decides what runs.

    modules: those of NEEDS and CUDA_BINDINGS that can be imported. bindings_cuda: CUDA's major version that NVIDIA's
    bindings are for, 0 where they are not installed.
    """

    gpu: Gpu | None = None
    has_card: bool = False
    system: str = "Linux x86_64"
    tensorrt: Mapping[str, Runtime] = field(default_factory=dict)
    modules: frozenset[str] = frozenset()
    bindings_cuda: int = 0


def detect_environment() -> Here:
    """The facts of this machine, from the driver, /sys and the installed packages; nothing of them is imported."""
    wanted = {name for names in NEEDS.values() for name in names} | set(CUDA_BINDINGS)
    return Here(
        gpu=find_gpu(),
        has_card=has_nvidia_device(),
        system=f"{platform.system()} {platform.machine()}",
        tensorrt={name: found for name in TENSORRT if (found := _find_tensorrt(name))},
        modules=frozenset(name for name in wanted if _importable(name)),
        bindings_cuda=_bindings_cuda(),
    )


def describe(here: Here) -> list[str]:
    """This machine in a few lines of text."""
    gpu = here.gpu
    nothing = "an NVIDIA card, and no driver that answers" if here.has_card else "none"
    said = f"{gpu.name}, compute capability {gpu.compute_capability}" if gpu else nothing
    lines = [f"system: {here.system}", f"GPU: {said}"]
    lines += [f"driver: {gpu.driver or 'of unknown version'}, for CUDA up to {gpu.cuda}"] if gpu else []
    runtimes = [f"{name} {each.version}" for name, each in here.tensorrt.items()]
    lines += [f"TensorRT: {', '.join(runtimes) or 'not installed'}"]
    return [*lines, f"also installed: {', '.join(sorted(here.modules)) or 'nothing that runs an artifact'}"]


def _find_tensorrt(module: str) -> Runtime | None:
    if not _importable(module):
        return None
    packages, library = TENSORRT[module]
    for package in packages:
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
        cuda = int(package[-2:]) if package[-2:].isdigit() else 0
        return Runtime(version, cuda, _has_library(module, library))
    return None


def _bindings_cuda() -> int:
    try:
        return int(importlib.metadata.version("cuda-bindings").partition(".")[0])
    except importlib.metadata.PackageNotFoundError:
        return 0


def _has_library(module: str, library: str) -> bool:
    wheel = importlib.util.find_spec(f"{module}_libs")
    folders = wheel.submodule_search_locations or [] if wheel else []
    inside = [file for folder in folders for file in Path(folder).glob(f"*{library}*")]
    return bool(inside) or ctypes.util.find_library(library) is not None


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
