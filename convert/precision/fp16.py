"""fp16 honestly: what comes near the largest half-precision number on real pictures stays float32, and is named."""

from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization.calibrate import TensorsData

from convert.pipeline import Facts, Pipeline, Step
from convert.precision.calibration import calibrate
from convert.precision.calibration_sample import describe_sample, draw_sample
from convert.precision.fp16_graph import to_fp16

FP16_MAX = 65504.0
# The next picture may reach further than those that were seen.
SAFETY = 2.0
PICTURES = 64


def make_fp16(pipeline: Pipeline, source: Path, target: Path) -> None:
    """Make `target` in half precision, with the ranges of training pictures looked at first."""

    def convert(fp32: Path, fp16: Path) -> Facts:
        sample = draw_sample(pipeline.pictures.examples("train"), PICTURES, seed=0)
        ranges = calibrate(fp32, pipeline.pictures.batches(sample), "max")
        kept = out_of_range(onnx.load(fp32), ranges)
        to_fp16(fp32, fp16, frozenset(kept))
        largest = max(reach(ranges, name) for name in ranges.keys())  # noqa: SIM118 - not a dict
        return {"calibration": {**describe_sample(sample, 0), "largest_activation": largest, "kept": kept}}

    pipeline.run(Step(source, target, "fp16", {"to": "onnx", "safety": SAFETY, "pictures": PICTURES}, convert))


def out_of_range(model: onnx.ModelProto, ranges: TensorsData) -> list[str]:
    """Names of nodes that read, write or hold a number too near the largest half, in the order of the graph."""
    wide = {name for name in ranges.keys() if reach(ranges, name) * SAFETY > FP16_MAX}  # noqa: SIM118
    for weights in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weights)
        if values.dtype == np.float32 and values.size and float(np.abs(values).max()) * SAFETY > FP16_MAX:
            wide.add(weights.name)
    return [node.name for node in model.graph.node if wide.intersection([*node.input, *node.output])]


def reach(ranges: TensorsData, name: str) -> float:
    """The largest magnitude a tensor took."""
    low, high = ranges[name].range_value
    return float(max(abs(np.asarray(low)).max(), abs(np.asarray(high)).max()))
