"""From a plan to an engine of TensorRT, TensorRT-RTX or the lean runtime."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from temper.errors import UserError
from temper.runners.trt_log import Log, logger_into


def load_engine(trt: ModuleType, artifact: Path, carries_code: bool, log: Log) -> Any:
    """Deserialise a plan. Raises UserError with TensorRT's reason."""
    runtime = trt.Runtime(logger_into(trt, log))
    if carries_code:
        # A version-compatible plan brings the runtime of its release; the checksum said that it is the one we built.
        runtime.engine_host_code_allowed = True
    engine = runtime.deserialize_cuda_engine(artifact.read_bytes())
    if engine is None:
        raise UserError(
            f"{trt.__name__} {trt.__version__} does not load {artifact}: {log.reason}. A plan runs only where it was "
            "built: build it here with `make convert`."
        )
    return engine


def try_loading(module: str, artifact: Path, carries_code: bool) -> None:
    """Load a plan and forget it; run in a child process, which may crash instead."""
    load_engine(importlib.import_module(module), artifact, carries_code, Log())
