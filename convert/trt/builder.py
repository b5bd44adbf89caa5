"""Calls of TensorRT's builder that versions 10, 11 and TensorRT-RTX share."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from convert.trt.build_options import BuildOptions
from convert.trt.precision_check import Layer, layers_of_json, layers_of_log
from convert.trt.timing_cache import cache_path, load_cache, save_cache
from temper.card import BatchRange
from temper.errors import UsageError, UserError
from temper.runners.trt.engine import Log, make_logger
from temper.system.gpu import find_gpu


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A serialized engine.

    layers: the builder's own list, if it gave one. input_name, opt_shape: the input and its best shape, [n, h, w, 3].
    """

    plan: bytes
    timing_cache: str
    layers: str
    input_name: str
    opt_shape: tuple[int, ...]


def build_engine(trt: ModuleType, source: Path, ranges: tuple[BatchRange, ...], options: BuildOptions) -> Engine:
    """Compile an ONNX file for batches in `ranges`. Raises UserError with TensorRT's own reason."""
    log = Log()
    logger = make_logger(trt, log)
    builder = trt.Builder(logger)
    network = _parse(trt, builder, logger, source)
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    _set_options(trt, config, options)
    gpu = find_gpu()
    path = cache_path(trt.__name__, str(trt.__version__), gpu.name if gpu else "", gpu.driver if gpu else "")
    load_cache(config, path)
    images = network.get_input(0)
    shape = tuple(images.shape)[1:]
    for batch in ranges:
        profile = builder.create_optimization_profile()
        profile.set_shape(images.name, *((n, *shape) for n in (batch.min, batch.best, batch.max)))
        config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise UserError(
            f"{trt.__name__} {trt.__version__} could not compile {source}: {log.reason}",
            fix="Use another release of TensorRT, or the ONNX file.",
        )
    return Engine(
        plan=bytes(plan),
        timing_cache=save_cache(config, path),
        layers=log.layers,
        input_name=images.name,
        opt_shape=(ranges[0].best, *shape),
    )


def describe_engine(trt: ModuleType, engine: Engine) -> list[Layer]:
    """The engine's layers: of the inspector where a GPU can load the engine, else of the builder's log."""
    if not find_gpu():
        return layers_of_log(engine.layers)
    log = Log()
    runtime = trt.Runtime(make_logger(trt, log))
    # A version-compatible plan carries its runtime; this one was built a moment ago, here.
    runtime.engine_host_code_allowed = True
    loaded = runtime.deserialize_cuda_engine(engine.plan)
    if loaded is None:
        # TensorRT-RTX builds for GPUs other than this one.
        return layers_of_log(engine.layers)
    context = loaded.create_execution_context()
    # With a batch range the inspector reports data types only for a given shape.
    context.set_input_shape(engine.input_name, engine.opt_shape)
    inspector = loaded.create_engine_inspector()
    inspector.execution_context = context
    return layers_of_json(inspector.get_engine_information(trt.LayerInformationFormat.JSON))


def _parse(trt: ModuleType, builder: Any, logger: Any, source: Path) -> Any:
    # The default in TensorRT 11; an option in 10.
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(source)):
        raise UserError(
            f"{trt.__name__} {trt.__version__} cannot read {source}: {_first_error(parser)}",
            fix="Use another release of TensorRT, or the ONNX file.",
        )
    return network


def _first_error(parser: Any) -> str:
    if not parser.num_errors:
        return "no reason given"
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
        raise UsageError(
            "TensorRT builds for the GPU it runs on; --builder-option compute_capabilities is for TensorRT-RTX",
            fix="Remove it.",
        )
    levels = {"ampere": "AMPERE_PLUS", "capability": "SAME_COMPUTE_CAPABILITY"}
    for name in options.portable:
        if name == "version":
            config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
        else:
            config.hardware_compatibility_level = getattr(trt.HardwareCompatibilityLevel, levels[name])


def _set_targets(trt: ModuleType, config: Any, options: BuildOptions) -> None:
    if options.portable:
        raise UsageError(
            "TensorRT-RTX has no compatibility option: its plans run on every GPU they are built for, in one release",
            fix="Name GPUs instead: --builder-option compute_capabilities=8.6+8.9.",
        )
    config.num_compute_capabilities = len(options.compute_capabilities)
    for index, capability in enumerate(options.compute_capabilities):
        target = getattr(trt.ComputeCapability, f"SM{capability.replace('.', '')}", None)
        if target is None:
            known = [name for name in trt.ComputeCapability.__members__ if name.startswith("SM")]
            raise UsageError(
                f"TensorRT-RTX {trt.__version__} builds for {', '.join(known)}, not for {capability}",
                fix="Name one of these.",
            )
        config.set_compute_capability(target, index)
