"""SavedModel to TF-TRT: TensorFlow runs the graph and gives what it can to TensorRT.

This is the way of older TensorFlow: 2.17 was the last release with TensorRT (its release notes: "the last release
supporting TensorRT"). Newer versions go through ONNX to a plan, which is also faster: nothing is left to TensorFlow.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from convert.job import CardFields, Job
from convert.precision.calibration_sample import draw_sample
from temper.card import BatchRange, PlanInfo, Precision
from temper.errors import MissingRuntime
from temper.runners.base import Images
from temper.system.quiet import quiet_stderr

LAST_WITH_TENSORRT = (2, 17)
# Scratch memory that a kernel may use.
WORKSPACE_BYTES = 1 << 30


def convert(job: Job) -> Iterator[CardFields]:
    """Convert a SavedModel and build its TensorRT engines for the batch range of the settings.

    Raises MissingRuntime where TensorFlow has no TensorRT or no GPU.
    """
    with quiet_stderr():
        import tensorflow as tf

        linked, is_installed = find_linked_tensorrt()
        gpus = tf.config.list_physical_devices("GPU")
    if problem := find_problem(tf.__version__, linked, is_installed, len(gpus), job.precision):
        raise problem
    from tensorflow.python.compiler.tensorrt import trt_convert

    converter = trt_convert.TrtGraphConverterV2(
        input_saved_model_dir=str(job.source.path), **converter_settings(job.precision)
    )
    feed = (lambda: ((batch,) for batch in calibration_batches(job))) if job.precision == "int8" else None
    converter.convert(calibration_input_fn=feed)
    batch, size = job.settings.batch, job.source.card.size
    converter.build(lambda: ((np.zeros((n, size, size, 3), np.uint8),) for n in _sizes(batch)))
    converter.save(str(job.target))
    gpu = tf.config.experimental.get_device_details(gpus[0])
    plan = PlanInfo(module="tensorrt", version=".".join(map(str, linked)), gpu=str(gpu.get("device_name", "")))
    yield CardFields(batch=batch, plan=plan, packages=("tensorrt",))


def calibration_batches(job: Job) -> Iterator[Images]:
    """Training images in batches of one size: TensorRT calibrates with nothing else."""
    sample = draw_sample(job.dataset.examples("train"), job.settings.calibration_images, job.settings.seed)
    batches = job.dataset.batches(sample)
    first = next(batches)
    yield first
    yield from (batch for batch in batches if len(batch) == len(first))


def converter_settings(precision: Precision) -> dict[str, Any]:
    """Arguments of TrtGraphConverterV2: engines are built now, for a range of batches, and never at run time."""
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


def find_linked_tensorrt() -> tuple[tuple[int, ...], bool]:
    """The TensorRT that TensorFlow was compiled for, zeros for none, and whether its library is installed."""
    from tensorflow.compiler.tf2tensorrt import _pywrap_py_utils as tensorrt

    # The loaded version is not read: without the library that call ends the process.
    return tuple(tensorrt.get_linked_tensorrt_version()), bool(tensorrt.is_tensorrt_enabled())


def find_problem(
    version: str, linked: tuple[int, ...], is_installed: bool, gpus: int, precision: Precision
) -> MissingRuntime | None:
    """Why TF-TRT does not work with a TensorFlow of this version and what does, or None.

    linked, is_installed: as find_linked_tensorrt gives them. gpus: how many TensorFlow can use.
    """
    plan = f"artifacts/model.{precision}.plan"
    through_onnx = (
        "Any TensorFlow can be used to build a TensorRT plan through ONNX:\n"
        f"    python convert/run.py artifacts/model.keras {plan} --precision {precision}"
    )
    release = tuple(int(part) for part in version.split(".")[:2])
    if release > LAST_WITH_TENSORRT or not any(linked):
        return MissingRuntime(
            f"TF-TRT needs TensorFlow 2.17 or older, compiled with TensorRT; this is {version}, without",
            fix=f"{through_onnx}\nOr, in an environment of its own with Python 3.10 or 3.11:\n"
            "    pip install -r requirements-tftrt.txt",
        )
    if not is_installed:
        return MissingRuntime(
            f"TensorFlow {version} was compiled for TensorRT {'.'.join(map(str, linked))}, whose library "
            f"libnvinfer.so.{linked[0]} is not installed",
            fix=f"Install it beside TensorFlow:\n    pip install -r requirements-tftrt.txt\n{through_onnx}",
        )
    if not gpus:
        what = f"TF-TRT builds its engines on the GPU it runs on, and TensorFlow {version} sees no GPU here"
        return MissingRuntime(what, fix=through_onnx)
    return None


def _sizes(batch: BatchRange) -> tuple[int, int, int]:
    return batch.min, batch.best, batch.max
