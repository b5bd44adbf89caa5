"""The conversation with TensorRT's builder, in terms that versions 10, 11 and TensorRT-RTX share."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from convert.trt.build_options import Batch, BuildOptions
from convert.trt.precision_check import Layer, layers_of_json, layers_of_log
from convert.trt.timing_cache import cache_path, keep_cache, use_cache
from temper.errors import UserError
from temper.runners.trt_log import Log, logger_into
from temper.system.gpu import find_gpu


@dataclass(frozen=True)
class Engine:
    """A serialised engine. layers: the builder's own list, if it gave one. opening: input's name and best shape."""

    plan: bytes
    timing_cache: str
    layers: str
    opening: tuple[str, tuple[int, ...]]


def build_engine(trt: ModuleType, source: Path, ranges: tuple[Batch, ...], options: BuildOptions) -> Engine:
    """Compile an ONNX file for batches in `ranges`. Raises UserError with TensorRT's own reason."""
    log = Log()
    logger = logger_into(trt, log)
    builder = trt.Builder(logger)
    network = _parse(trt, builder, logger, source)
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    _set_options(trt, config, options)
    gpu = find_gpu()
    path = cache_path(trt.__name__, str(trt.__version__), gpu.name if gpu else "", gpu.driver if gpu else "")
    use_cache(config, path)
    images = network.get_input(0)
    shape = tuple(images.shape)[1:]
    for batch in ranges:
        profile = builder.create_optimization_profile()
        profile.set_shape(images.name, *((n, *shape) for n in batch))
        config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise UserError(f"{trt.__name__} {trt.__version__} could not compile {source}: {log.reason}.")
    return Engine(bytes(plan), keep_cache(config, path), log.layers, (images.name, (ranges[0][1], *shape)))


def describe_engine(trt: ModuleType, engine: Engine) -> list[Layer]:
    """The engine's layers: of the inspector where a GPU can load the engine, else of the builder's log."""
    if not find_gpu():
        return layers_of_log(engine.layers)
    log = Log()
    runtime = trt.Runtime(logger_into(trt, log))
    # A version-compatible plan carries its runtime; this one was built a moment ago, here.
    runtime.engine_host_code_allowed = True
    loaded = runtime.deserialize_cuda_engine(engine.plan)
    if loaded is None:
        # TensorRT-RTX builds for GPUs other than this one.
        return layers_of_log(engine.layers)
    context = loaded.create_execution_context()
    # With a batch range the inspector tells data types only for a given shape.
    context.set_input_shape(*engine.opening)
    inspector = loaded.create_engine_inspector()
    inspector.execution_context = context
    return layers_of_json(inspector.get_engine_information(trt.LayerInformationFormat.JSON))


def _parse(trt: ModuleType, builder: Any, logger: Any, source: Path) -> Any:
    # TensorRT 11 knows no other networks; 10 must be told.
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(source)):
        raise UserError(f"{trt.__name__} {trt.__version__} cannot read {source}: {_first_error(parser)}.")
    return network


def _first_error(parser: Any) -> str:
    if not parser.num_errors:
        return "it gives no reason"
    error = parser.get_error(0)
    reason = str(error.desc()).strip().splitlines()[0].rstrip(".")
    return f"node {error.node_name()!r} ({error.node_operator()}): {reason}" if error.node_operator() else reason


def _set_options(trt: ModuleType, config: Any, options: BuildOptions) -> None:
    if options.level is not None:
        config.builder_optimization_level = options.level
    if options.workspace_mib:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib << 20)
    if trt.__name__ == "tensorrt":
        _set_portable(trt, config, options)
    else:
        _set_targets(trt, config, options)


def _set_portable(trt: ModuleType, config: Any, options: BuildOptions) -> None:
    if options.compute_capabilities:
        raise UserError("TensorRT builds for the GPU it runs on; --builder for=… is for TensorRT-RTX. Leave it out.")
    levels = {"ampere": "AMPERE_PLUS", "capability": "SAME_COMPUTE_CAPABILITY"}
    for wish in options.portable:
        if wish == "version":
            config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
        else:
            config.hardware_compatibility_level = getattr(trt.HardwareCompatibilityLevel, levels[wish])


def _set_targets(trt: ModuleType, config: Any, options: BuildOptions) -> None:
    if options.portable:
        raise UserError(
            "TensorRT-RTX has no portable=…: its plans run on every GPU they are built for, and in one release only. "
            "Name GPUs with --builder for=8.6+8.9 instead."
        )
    config.num_compute_capabilities = len(options.compute_capabilities)
    for index, capability in enumerate(options.compute_capabilities):
        target = getattr(trt.ComputeCapability, f"SM{capability.replace('.', '')}", None)
        if target is None:
            known = [name for name in trt.ComputeCapability.__members__ if name.startswith("SM")]
            raise UserError(f"TensorRT-RTX {trt.__version__} builds for {', '.join(known)}, not for {capability}.")
        config.set_compute_capability(target, index)
