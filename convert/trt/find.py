"""Which TensorRT compiles a plan on this machine."""

import importlib
import logging
from dataclasses import dataclass

from temper.compatibility import too_new_for_driver
from temper.errors import MissingRuntime
from temper.system.environment import detect_environment
from temper.system.gpu import find_gpu

MIN_MAJOR = 10
INSTALL = "pip install -r requirements-gpu.txt"
LOGGER = logging.getLogger("temper.convert")


@dataclass(frozen=True)
class Compiler:
    """An installed TensorRT: module "tensorrt" or "tensorrt_rtx", and its version."""

    module: str
    version: str


def find_tensorrt() -> Compiler:
    """TensorRT where there is a GPU for it, else TensorRT-RTX. Raises MissingRuntime with what to install."""
    gpu = find_gpu()
    for module in ["tensorrt", "tensorrt_rtx"] if gpu else ["tensorrt_rtx"]:
        try:
            version = str(importlib.import_module(module).__version__)
        except ImportError:
            continue
        if module == "tensorrt" and int(version.split(".")[0]) < MIN_MAJOR:
            what = f"TensorRT {version} is too old; {MIN_MAJOR} or later is needed"
            raise MissingRuntime(what, fix=f"Install it:\n    {INSTALL}")
        if problem := too_new_for_driver(module, detect_environment()):
            raise MissingRuntime(f"a plan cannot be compiled here: {problem.what}", fix=problem.fix)
        return Compiler(module, version)
    machine = f"The GPU of this machine is {gpu.name}" if gpu else "This machine has no NVIDIA GPU"
    raise MissingRuntime(
        f"a plan is compiled by TensorRT, which is not installed. {machine}",
        fix=f"Install one:\n    {INSTALL}    (a machine with an NVIDIA GPU)\n"
        "    pip install tensorrt-rtx-cu13    (builds for GeForce and RTX GPUs, and needs none to build)\n"
        "The ONNX file gives the same predictions and runs on any CPU.",
    )


def can_compile() -> bool:
    """True where a plan can be compiled; on a machine with a GPU the log says why not."""
    try:
        find_tensorrt()
    except MissingRuntime as missing:
        if find_gpu():
            LOGGER.warning("no plan is built: %s", missing)
        return False
    return True
