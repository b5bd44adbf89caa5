"""SavedModel → TF-TRT SavedModel: TensorFlow runs the graph and hands what it can to TensorRT.

The road of older TensorFlow: 2.17 was the last with TensorRT (its release notes: "the last release supporting
TensorRT"). Newer stacks go through ONNX to a plan, which is faster too, for nothing is left to TensorFlow.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.trt.build_options import Batch
from temper.card import Precision, versions
from temper.errors import MissingRuntime
from temper.storage.atomic import atomic_write
from temper.system.host import describe_host
from temper.system.quiet import quiet_stderr

Pictures = NDArray[np.uint8]
LAST_WITH_TENSORRT = (2, 17)
# A kernel may use this much scratch memory.
WORKSPACE_BYTES = 1 << 30
ONNX_ROAD = "python convert/run.py artifacts/model.keras artifacts/model.{precision}.plan --precision {precision}"


def to_tftrt(
    source: Path,
    target: Path,
    precision: Precision,
    batch: Batch = (1, 8, 32),
    calibration: Callable[[], Iterable[Pictures]] | None = None,
) -> dict[str, Any]:
    """Convert a SavedModel and build its TensorRT engines for `batch`; returns what its card says.

    `calibration` gives pictures [n, size, size, 3] of one n, for int8 alone. Raises MissingRuntime where TensorFlow
    has no TensorRT or no GPU.
    """
    with quiet_stderr():
        import tensorflow as tf
    if problem := find_problem(*_look_at(tf), precision):
        raise MissingRuntime(problem)
    from tensorflow.python.compiler.tensorrt import trt_convert

    converter = trt_convert.TrtGraphConverterV2(input_saved_model_dir=str(source), **settings(precision))
    feed = None if calibration is None or precision != "int8" else lambda: ((each,) for each in calibration())
    converter.convert(calibration_input_fn=feed)
    size = _size_of(tf, source)
    converter.build(lambda: ((np.zeros((n, size, size, 3), np.uint8),) for n in batch))
    with atomic_write(target) as path:
        converter.save(str(path))
    gpu = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    return {
        "batch": batch,
        "made_with": versions("tensorflow", "keras", "numpy", "tensorrt"),
        "made_on": {**describe_host(), "gpu": str(gpu.get("device_name", ""))},
    }


def settings(precision: Precision) -> dict[str, Any]:
    """What TrtGraphConverterV2 is told: engines are built now, for a range of batches, and never at run time."""
    from tensorflow.python.saved_model import signature_constants, tag_constants

    return {
        "input_saved_model_tags": [tag_constants.SERVING],
        "input_saved_model_signature_key": signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY,
        "precision_mode": precision.upper(),
        "use_calibration": precision == "int8",
        "use_dynamic_shape": True,
        "dynamic_shape_profile_strategy": "Range+Optimal",
        "max_workspace_size_bytes": WORKSPACE_BYTES,
        "allow_build_at_runtime": False,
    }


def find_problem(version: str, linked: tuple[int, ...], enabled: bool, gpus: int, precision: Precision) -> str:
    """Why TF-TRT does not work here and what does, or "".

    linked: the TensorRT that TensorFlow was compiled for, zeros for none; enabled: its library was found.
    """
    release = tuple(int(part) for part in version.split(".")[:2])
    road = (
        f"The road through ONNX gives a TensorRT plan with any TensorFlow:\n    {ONNX_ROAD.format(precision=precision)}"
    )
    if release > LAST_WITH_TENSORRT or not any(linked):
        return (
            f"TF-TRT needs TensorFlow 2.17 or older, compiled with TensorRT; this is {version}, without. {road}\n"
            "Or, in an environment of its own with Python 3.10 or 3.11:\n    pip install -r requirements-tftrt.txt"
        )
    if not enabled:
        library = f"libnvinfer.so.{linked[0]}"
        return (
            f"TensorFlow {version} was compiled for TensorRT {'.'.join(map(str, linked))}, whose library {library} is "
            f"not found. Install it, beside TensorFlow:\n    pip install -r requirements-tftrt.txt\n{road}"
        )
    if not gpus:
        return f"TF-TRT builds its engines on the GPU it runs on, and TensorFlow {version} finds none here. {road}"
    return ""


def _look_at(tf: Any) -> tuple[str, tuple[int, ...], bool, int]:
    from tensorflow.compiler.tf2tensorrt import _pywrap_py_utils as tensorrt

    with quiet_stderr():
        enabled = bool(tensorrt.is_tensorrt_enabled())
        gpus = len(tf.config.list_physical_devices("GPU"))
    # The version that is loaded is not asked for: without the library that call ends the process.
    return tf.__version__, tuple(tensorrt.get_linked_tensorrt_version()), enabled, gpus


def _size_of(tf: Any, source: Path) -> int:
    endpoint = tf.saved_model.load(str(source)).signatures["serving_default"]
    return int(next(iter(endpoint.structured_input_signature[1].values())).shape[1])
