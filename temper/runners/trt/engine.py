"""From a plan to an engine of TensorRT, TensorRT-RTX or the lean runtime."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from temper.errors import ArtifactError
from temper.runners.trt.log import Log, make_logger


def load_engine(trt: ModuleType, plan: Path, has_host_code: bool, log: Log) -> Any:
    """Deserialize a plan. Raises ArtifactError with TensorRT's reason.

    has_host_code: the plan contains a runtime of its own.
    """
    runtime = trt.Runtime(make_logger(trt, log))
    if has_host_code:
        # A version-compatible plan contains the runtime of its release; the checksum has shown that it is unchanged.
        runtime.engine_host_code_allowed = True
    engine = runtime.deserialize_cuda_engine(plan.read_bytes())
    if engine is None:
        raise ArtifactError(
            f"{trt.__name__} {trt.__version__} does not load {plan}: {log.reason}",
            fix="A plan runs only where it was built. Build it on this machine with `make convert`.",
        )
    return engine


def try_loading(module: str, plan: Path, has_host_code: bool) -> None:
    """Load a plan and discard it; for a child process, which may crash instead."""
    load_engine(importlib.import_module(module), plan, has_host_code, Log())
