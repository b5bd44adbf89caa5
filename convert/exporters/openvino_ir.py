"""ONNX to OpenVINO IR, in the precision of the ONNX graph."""

from collections.abc import Iterator

import onnx
import openvino as ov

from convert.job import CardFields, Job
from temper.runners.onnx_x86 import use_uint8
from temper.runners.openvino import process_core


def convert(job: Job) -> Iterator[CardFields]:
    """Write an IR (.xml) and its weights (.bin); nothing is compressed."""
    model = onnx.load(job.source.path)
    if job.precision == "int8":
        # Its kernels for uint8 are faster: EfficientNet-Lite0 took 5.0 instead of 5.6 CPU-ms an image (Zen 4).
        use_uint8(model.graph)
    ov.save_model(process_core().read_model(model.SerializeToString()), job.target, compress_to_fp16=False)
    yield CardFields(packages=("openvino",))
