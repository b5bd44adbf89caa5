"""ONNX to a TensorRT plan: the precision is that of the graph, the compiler has no choice.

The same code serves TensorRT 10, 11 and TensorRT-RTX: one Python API under two names. TensorRT measures kernels on the
GPU it builds for; TensorRT-RTX needs no GPU, and finishes its kernels where the plan is loaded.
"""

import importlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import msgspec
import onnx

from convert.job import CardFields, Job
from convert.precision.fp16_graph import fp16_graph
from convert.targets import layers_path
from convert.trt.build_options import BuildOptions, parse_options
from convert.trt.builder import build_engine, describe_engine
from convert.trt.find import Compiler, find_tensorrt
from convert.trt.precision_check import check_executed_precision, executed_types, requested_types
from temper.card import BatchRange, PlanInfo
from temper.errors import MissingRuntime, UsageError
from temper.system.child_process import ChildCrashed, run_with_progress
from temper.system.gpu import find_gpu


def convert(job: Job) -> Iterator[CardFields]:
    """Build a plan for the batch range of the settings, in a child process that may crash.

    Beside it goes `….layers.json`, the engine's layers with their data types. Raises MissingRuntime without a usable
    TensorRT, UserError when it refuses the graph or would run it in another precision.
    """
    compiler, options = find_tensorrt(), parse_options(job.settings.builder_options)
    if options.has_half_floats and job.precision != "int8":
        raise UsageError(
            f"--builder-option float=fp16 is for int8, not for {job.precision}", fix="Convert with --precision fp16."
        )
    ranges = (job.settings.batch, *options.profiles)
    step = f"compiling {job.target.name} with {compiler.module} {compiler.version}"

    def on_progress(seconds: float) -> None:
        job.progress(step, int(seconds), 0)

    try:
        built = run_with_progress(on_progress, build, compiler, job.source.path, job.target, ranges, options)
    except ChildCrashed as crash:
        raise MissingRuntime(
            f"{compiler.module} {compiler.version} crashed ({crash}) while it compiled {job.source.path}; nothing was "
            "written",
            fix="If memory ran out, end other programs on the GPU; else use another TensorRT, or the ONNX file.",
        ) from None
    job.progress(step, 1, 1)
    batch = BatchRange(min(each.min for each in ranges), ranges[0].best, max(each.max for each in ranges))
    yield CardFields(batch=batch, plan=built, packages=("onnx",))


def build(
    compiler: Compiler, source: Path, target: Path, ranges: tuple[BatchRange, ...], options: BuildOptions
) -> PlanInfo:
    """Compile in this process, check the executed precision, write the plan and its layers."""
    trt: ModuleType = importlib.import_module(compiler.module)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        graph = _with_half_floats(source, Path(scratch)) if options.has_half_floats else source
        engine = build_engine(trt, graph, ranges, options)
        requested = requested_types(onnx.load(graph, load_external_data=False))
    target.write_bytes(engine.plan)
    layers = describe_engine(trt, engine)
    kernels = check_executed_precision(requested, executed_types(layers, requested), target.name)
    layers_path(target).write_text(json.dumps({"Layers": layers}, indent=1))
    info = PlanInfo(
        module=compiler.module,
        version=compiler.version,
        portable=options.portable,
        compute_capabilities=options.compute_capabilities,
        kernels=kernels,
        timing_cache=engine.timing_cache,
    )
    gpu = find_gpu()
    if compiler.module != "tensorrt" or not gpu:
        return info
    return msgspec.structs.replace(info, gpu=gpu.name, compute_capability=gpu.compute_capability, driver=gpu.driver)


def _with_half_floats(source: Path, folder: Path) -> Path:
    target = folder / source.name
    onnx.save(fp16_graph(onnx.load(source)), target)
    return target
