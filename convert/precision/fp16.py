"""fp32 ONNX to fp16 ONNX: what comes near the largest half-precision number on real images stays float32."""

from collections.abc import Iterator

import msgspec
import numpy as np
import onnx

from convert.job import CardFields, Job
from convert.precision.calibration import RANGES_STEP, Ranges, activations, calibrate
from convert.precision.calibration_sample import describe_sample, draw_sample
from convert.precision.fp16_graph import fp16_graph
from convert.settings import RANGE_IMAGES, SAFETY_FACTOR

FP16_MAX = 65504.0


def convert(job: Job) -> Iterator[CardFields]:
    """Write the graph in half precision, after the ranges of training images were measured."""
    sample = draw_sample(job.dataset.examples("train"), RANGE_IMAGES, seed=0)
    model = onnx.load(job.source.path)
    batches = job.dataset.batches(sample, job.progress, RANGES_STEP)
    ranges = calibrate(job.source.path, batches, len(sample), activations(model.graph))["max"]
    excluded = fp16_overflow(model, ranges)
    onnx.save(fp16_graph(model, frozenset(excluded)), job.target)
    calibration = msgspec.structs.replace(
        describe_sample(sample, 0),
        max_activation=max(ranges.values()),
        excluded_nodes=tuple(excluded),
    )
    yield CardFields(calibration=calibration, packages=("onnx", "onnxruntime"))


def fp16_overflow(model: onnx.ModelProto, ranges: Ranges) -> list[str]:
    """Names of nodes that read, write or hold a value too near the largest half, in the order of the graph."""
    large = {name for name, limit in ranges.items() if limit * SAFETY_FACTOR > FP16_MAX}
    for weights in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weights)
        if values.dtype == np.float32 and values.size and float(np.abs(values).max()) * SAFETY_FACTOR > FP16_MAX:
            large.add(weights.name)
    return [node.name for node in model.graph.node if large.intersection([*node.input, *node.output])]
