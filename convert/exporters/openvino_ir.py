"""ONNX to OpenVINO IR, in the precision of the ONNX graph."""

from collections.abc import Iterator

import openvino as ov

from convert.job import CardFields, Job


def convert(job: Job) -> Iterator[CardFields]:
    """Write an IR (.xml) and its weights (.bin); nothing is compressed."""
    ov.save_model(ov.convert_model(job.source.path), job.target, compress_to_fp16=False)
    yield CardFields(packages=("openvino",))
