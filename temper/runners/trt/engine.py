"""From a plan to an engine of TensorRT, TensorRT-RTX or the lean runtime, and what TensorRT logs meanwhile."""

import importlib
import logging
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from temper.errors import ArtifactError

LOGGER = logging.getLogger("temper.runners.trt")
LAYERS = "Layers:"
# EngineInvalidityDiagnostics of TensorRT-RTX.
INVALID = {
    "VERSION_MISMATCH": "another version of TensorRT-RTX built it",
    "UNSUPPORTED_CC": "it is not for GPUs of this compute capability",
    "OLD_CUDA_DRIVER": "the GPU's driver is too old for it",
    "OLD_CUDA_RUNTIME": "the CUDA runtime is too old for it",
    "INSUFFICIENT_GPU_MEMORY": "the GPU has too little memory for it",
    "MALFORMED_ENGINE": "it is damaged",
    "CUDA_ERROR": "CUDA reports an error",
}


@dataclass
class Log:
    """errors: in order. layers: the list that a builder logs at detailed verbosity."""

    errors: list[str] = field(default_factory=list)
    layers: str = ""

    @property
    def reason(self) -> str:
        """The first error in one line, without a final full stop."""
        first = self.errors[0].strip().splitlines()[0] if self.errors else "it gives no reason"
        return first.rstrip(".")


def make_logger(trt: ModuleType, log: Log) -> Any:
    """An ILogger that fills `log`. It must live as long as the TensorRT objects that use it."""
    severe = (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR)

    class Logger(trt.ILogger):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            if severity in severe:
                log.errors.append(message)
            elif message.startswith(LAYERS):
                log.layers = message

    return Logger()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A plan that is loaded.

    content: its bytes, checked. path: for messages only. has_host_code: it contains a runtime of its own.
    """

    content: bytes
    path: Path
    has_host_code: bool


def load_engine(trt: ModuleType, plan: Plan, log: Log) -> Any:
    """Deserialize a plan. Raises ArtifactError with TensorRT's reason."""
    runtime = trt.Runtime(make_logger(trt, log))
    if plan.has_host_code:
        # A version-compatible plan contains the runtime of its release. The runner refuses one of unknown origin.
        runtime.engine_host_code_allowed = True
    if reason := _invalidity(trt, runtime, plan, log):
        raise _refusal(trt, plan, reason)
    engine = runtime.deserialize_cuda_engine(plan.content)
    if engine is None:
        raise _refusal(trt, plan, log.reason)
    return engine


def try_loading(module: str, plan: Plan) -> None:
    """Load a plan and discard it; for a child process, which may crash instead."""
    load_engine(importlib.import_module(module), plan, Log())


def _invalidity(trt: ModuleType, runtime: Any, plan: Plan, log: Log) -> str:
    """Why TensorRT-RTX cannot load a plan, from its header alone; "" where it can, and for TensorRT."""
    if not hasattr(runtime, "get_engine_validity"):
        return ""
    validity, diagnostics = runtime.get_engine_validity(plan.content[: runtime.engine_header_size])
    if validity == trt.EngineValidity.SUBOPTIMAL:
        LOGGER.warning("%s runs on this GPU, but was not built for it: built here, it may be faster", plan.path)
    if validity != trt.EngineValidity.INVALID:
        return ""
    flags = trt.EngineInvalidityDiagnostics
    reasons = [
        text for name, text in INVALID.items() if hasattr(flags, name) and diagnostics & int(getattr(flags, name))
    ]
    return " and ".join(reasons) or log.reason


def _refusal(trt: ModuleType, plan: Plan, reason: str) -> ArtifactError:
    return ArtifactError(
        f"{trt.__name__} {trt.__version__} does not load {plan.path}: {reason}",
        fix="A plan runs only where it was built: build it again on this machine.",
    )
