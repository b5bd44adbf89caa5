"""ONNX → TensorRT plan: the compiler is given the precision in the graph, and no choice.

One path serves TensorRT 10, 11 and TensorRT-RTX: the same Python API under two names. Full TensorRT measures kernels
on the GPU it builds for; TensorRT-RTX needs none, and finishes its kernels where the plan is loaded.
"""

import importlib
import json
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx

from convert.trt.build_options import Batch, BuildOptions
from convert.trt.builder import build_engine, describe_engine
from convert.trt.precision_check import asked_types, executed_types, prove
from temper.card import versions
from temper.cli.clock import Clock
from temper.compatibility import too_new_for_driver
from temper.errors import MissingRuntime, UserError
from temper.storage.atomic import atomic_write
from temper.system.child_process import ChildCrashed, run_with_progress
from temper.system.environment import detect_environment
from temper.system.gpu import find_gpu
from temper.system.host import describe_host

OLDEST = 10
INSTALL = "pip install -r requirements-gpu.txt"
DEFAULT = BuildOptions()


def to_tensorrt(
    source: Path, target: Path, batch: Batch = (1, 8, 32), options: BuildOptions = DEFAULT
) -> dict[str, Any]:
    """Build a plan that takes `batch` = (smallest, best, largest) pictures a call; returns what its card says.

    Beside it goes `….layers.json`, the engine's layers with their data types. Raises MissingRuntime without a usable
    TensorRT, UserError when it refuses the graph or would run it in another precision.
    """
    module, version = find_tensorrt()
    clock = Clock(f"{module} {version} compiles {target.name}")
    with atomic_write(target) as path:
        try:
            built = run_with_progress(clock, build, module, source, path, (batch, *options.profiles), options)
        except ChildCrashed as crash:
            raise UserError(
                f"{module} {version} crashed ({crash}) while it compiled {source}; nothing was written. If memory ran "
                "out, end other programs on the GPU; else try another release of TensorRT, or run the ONNX file."
            ) from None
        finally:
            clock.erase()
    ranges = (batch, *options.profiles)
    return {
        "batch": (min(each[0] for each in ranges), batch[1], max(each[2] for each in ranges)),
        "made_with": {**versions("numpy", "onnx"), module: version},
        "made_on": {**describe_host(), **_describe_target(module, options), **built},
    }


def find_tensorrt() -> tuple[str, str]:
    """Module and version of TensorRT where there is a GPU for it, else of TensorRT-RTX.

    Raises MissingRuntime with what to install.
    """
    gpu = find_gpu()
    for name in ["tensorrt", "tensorrt_rtx"] if gpu else ["tensorrt_rtx"]:
        try:
            version = str(importlib.import_module(name).__version__)
        except ImportError:
            continue
        if name == "tensorrt" and int(version.split(".")[0]) < OLDEST:
            raise MissingRuntime(f"TensorRT {version} is too old; {OLDEST} or later is needed:\n    {INSTALL}")
        if problem := too_new_for_driver(name, detect_environment()):
            raise MissingRuntime(f"A plan cannot be compiled here: {problem}")
        return name, version
    where = f"for {gpu.name}" if gpu else "and no GPU is found here"
    raise MissingRuntime(
        f"A plan is compiled by TensorRT, which is not installed, {where}. Install one:\n"
        f"    {INSTALL}    (a machine with an NVIDIA GPU)\n"
        "    pip install tensorrt-rtx-cu13    (builds for GeForce and RTX GPUs, and needs none to build)\n"
        "The ONNX file has the same answers and runs on any CPU."
    )


def build(module: str, source: Path, target: Path, ranges: tuple[Batch, ...], options: BuildOptions) -> dict[str, str]:
    """Compile here and now, prove the precision, write the plan and its layers; returns facts for the card."""
    trt: ModuleType = importlib.import_module(module)
    started = time.perf_counter()
    engine = build_engine(trt, source, ranges, options)
    seconds = time.perf_counter() - started
    target.write_bytes(engine.plan)
    layers = describe_engine(trt, engine)
    asked = asked_types(onnx.load(source, load_external_data=False))
    kernels = prove(asked, executed_types(layers, asked), target.name)
    target.with_name(f"{target.name}.layers.json").write_text(json.dumps({"Layers": layers}, indent=1))
    return {"kernels": kernels, "build_seconds": f"{seconds:.1f}", "timing_cache": engine.timing_cache}


def _describe_target(module: str, options: BuildOptions) -> dict[str, str]:
    gpu = find_gpu()
    said = {"gpu": "", "compute_capability": "", "driver": ""}
    if module == "tensorrt" and gpu:
        said = {"gpu": gpu.name, "compute_capability": gpu.compute_capability, "driver": gpu.driver}
    if options.portable:
        said["portable"] = " ".join(options.portable)
    if options.compute_capabilities:
        said["targets"] = " ".join(options.compute_capabilities)
    return said
