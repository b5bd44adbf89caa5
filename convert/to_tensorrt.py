"""ONNX → TensorRT plan: the compiler is given the precision in the graph, and no choice.

One path serves TensorRT 10, 11 and TensorRT-RTX: the same Python API under two names. Full TensorRT measures kernels
on the GPU it builds for; TensorRT-RTX needs none, and finishes its kernels where the plan is loaded.
"""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from temper.card import versions
from temper.errors import MissingRuntime, UserError
from temper.files import staged
from temper.gpu import find_gpu
from temper.machine import describe_machine

OLDEST = 10
INSTALL = "pip install -r requirements-gpu.txt"
Batch = tuple[int, int, int]


def to_tensorrt(source: Path, target: Path, batch: Batch = (1, 8, 32)) -> dict[str, Any]:
    """Build a plan that takes `batch` = (smallest, best, largest) pictures a call; returns what its card says.

    Raises MissingRuntime without a usable TensorRT, UserError when it refuses the graph.
    """
    trt = find_tensorrt()
    plan = _build(trt, source, batch)
    with staged(target) as path:
        path.write_bytes(plan)
    return {
        "batch": batch,
        "made_with": {**versions("numpy", "onnx"), trt.__name__: str(trt.__version__)},
        "made_on": {**describe_machine(), "gpu": find_gpu() or "none: kernels are finished where the plan is loaded"},
    }


def find_tensorrt() -> ModuleType:
    """TensorRT where there is a GPU for it, else TensorRT-RTX. Raises MissingRuntime with what to install."""
    names = ["tensorrt", "tensorrt_rtx"] if find_gpu() else ["tensorrt_rtx"]
    for name in names:
        try:
            found = importlib.import_module(name)
        except ImportError:
            continue
        if name == "tensorrt" and int(str(found.__version__).split(".")[0]) < OLDEST:
            raise MissingRuntime(
                f"TensorRT {found.__version__} is too old; {OLDEST} or later is needed:\n    {INSTALL}"
            )
        return found
    where = f"for {find_gpu()}" if find_gpu() else "and no GPU is found here"
    raise MissingRuntime(
        f"A plan is compiled by TensorRT, which is not installed, {where}. Install one:\n"
        f"    {INSTALL}    (a machine with an NVIDIA GPU)\n"
        "    pip install tensorrt-rtx-cu13    (builds for GeForce and RTX GPUs, and needs none to build)\n"
        "The ONNX file has the same answers and runs on any CPU."
    )


def _build(trt: ModuleType, source: Path, batch: Batch) -> bytes:
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(source.read_bytes()):
        raise UserError(f"TensorRT {trt.__version__} cannot read {source}: {_first_error(parser)}.")
    config = builder.create_builder_config()
    profile = builder.create_optimization_profile()
    images = network.get_input(0)
    profile.set_shape(images.name, *((n, *tuple(images.shape)[1:]) for n in batch))
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise UserError(f"TensorRT {trt.__version__} could not build {source}. Its messages above say why.")
    return bytes(plan)


def _first_error(parser: Any) -> str:
    error = parser.get_error(0)
    return f"node {error.node_name()!r} ({error.node_operator()}): {str(error.desc()).splitlines()[0]}"
