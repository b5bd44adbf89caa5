"""This machine, as far as it decides which artifacts run. The libraries are looked up, never imported."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from temper import formats
from temper.system.gpu import Gpu, find_gpu, has_nvidia_device
from temper.system.host import describe_int8, processor_flags, system_name

# Modules that load a plan, and the native library that each needs.
TENSORRT = {"tensorrt": "nvinfer", "tensorrt_rtx": "tensorrt_rtx", "tensorrt_lean": "nvinfer_lean"}
CUDA_BINDINGS = ("cuda.bindings", "pycuda")


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """An installed TensorRT.

    cuda: CUDA's major version that it was built for; 0 if unknown. has_library: its native library is installed too.
    """

    version: str
    cuda: int = 0
    has_library: bool = True


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A machine, as far as it decides what runs.

    gpu: None where there is none or no driver responds. has_nvidia_device: the hardware is there. tensorrt: by module.
    modules: of those that FORMATS and CUDA_BINDINGS name, the importable ones. bindings_cuda: CUDA's major version that
    NVIDIA's bindings are for, 0 where they are not installed. int8: how the processor computes it; "" if unknown.
    """

    gpu: Gpu | None = None
    has_nvidia_device: bool = False
    system: str = "Linux x86_64"
    tensorrt: Mapping[str, Runtime] = field(default_factory=dict)
    modules: frozenset[str] = frozenset()
    bindings_cuda: int = 0
    int8: str = ""


def detect_environment() -> Environment:
    """This machine, according to the driver, /sys and the installed packages."""
    modules = {name for each in formats.FORMATS for name in (*each.requires, *each.requires_one)}.union(CUDA_BINDINGS)
    return Environment(
        gpu=find_gpu(),
        has_nvidia_device=has_nvidia_device(),
        system=system_name(),
        tensorrt={module: runtime for module in TENSORRT if (runtime := _find_tensorrt(module))},
        modules=frozenset(filter(_is_importable, modules)),
        bindings_cuda=_bindings_cuda(),
        int8=describe_int8(processor_flags()),
    )


def format_environment(environment: Environment) -> list[str]:
    """An environment in a few lines of text; temper.cli.commands.inspect.describe_formats adds what runs in it."""
    gpu = environment.gpu
    missing = "an NVIDIA GPU whose driver does not respond" if environment.has_nvidia_device else "none"
    runtimes = ", ".join(f"{module} {each.version}" for module, each in environment.tensorrt.items())
    return [
        f"system: {environment.system}",
        *([f"int8 on the processor: {environment.int8}"] if environment.int8 else []),
        f"GPU: {f'{gpu.name}, compute capability {gpu.compute_capability}' if gpu else missing}",
        *([f"driver: {gpu.driver or 'unknown version'}, CUDA up to {gpu.cuda or 'an unknown version'}"] if gpu else []),
        *([f"TensorRT: {runtimes}"] if runtimes else []),
    ]


def tensorrt_packages(module: str) -> tuple[str, str, str]:
    """Packages that install a module of TENSORRT: for CUDA 13, for CUDA 12, and for the newest CUDA of the release."""
    name = module.replace("_", "-")
    return f"{name}-cu13", f"{name}-cu12", name


def _find_tensorrt(module: str) -> Runtime | None:
    if not _is_importable(module):
        return None
    for package in tensorrt_packages(module):
        if version := _installed_version(package):
            cuda = int(package[-2:]) if package[-2:].isdigit() else 0
            return Runtime(version=version, cuda=cuda, has_library=_has_library(module, TENSORRT[module]))
    return None


def _bindings_cuda() -> int:
    return int(_installed_version("cuda-bindings").partition(".")[0] or 0)


def _installed_version(package: str) -> str:
    # Imports the standard library's mail parser.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _has_library(module: str, library: str) -> bool:
    wheel = importlib.util.find_spec(f"{module}_libs")
    folders = wheel.submodule_search_locations or [] if wheel else []
    if any(file for folder in folders for file in Path(folder).glob(f"*{library}*")):
        return True
    from ctypes.util import find_library

    return find_library(library) is not None


def _is_importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
