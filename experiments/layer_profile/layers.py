"""What each layer of an artifact takes, by the profilers of ONNX Runtime and OpenVINO."""

import json
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime as ort
import openvino as ov

from temper.artifact import Artifact
from temper.runners.base import Images
from temper.runners.onnx_metadata import INPUT
from temper.runners.onnx_x86 import rewrite_for_x86
from temper.runners.onnxruntime import SPIN_MICROSECONDS
from temper.runners.openvino import process_core

WARM_UP = 5
MICROSECONDS_PER_MS = 1000
# The operators of both runtimes, by what they do; the first match counts.
KINDS = {
    "convolution": r"conv(?!ert)",
    "matrix product": r"gemm|matmul|fullyconnected",
    "pooling": r"pool|reducemean",
    "addition": r"add$|eltwise",
    "layout": r"reorder|transpose|reshape|squeeze",
    "rounding": r"quantize|cast|^convert",
}
OTHER = "others"


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One executed operator. ms: median over the calls. int8: whether it computes with integers."""

    name: str
    kind: str
    int8: bool
    ms: float


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The layers, and what one call took, measured from outside at the same calls."""

    layers: list[Layer]
    call_ms: float


def profile(artifact: Artifact, images: Images, calls: int) -> Profile:
    """An int8 `.onnx` or `.xml` file with the graph and the options of its runner; images [n, size, size, 3]."""
    layers, seconds = (profile_openvino if artifact.path.suffix == ".xml" else _onnx)(artifact.path, images, calls)
    return Profile(layers=[each for each in layers if each.ms > 0], call_ms=1000 * statistics.median(seconds))


def kind_of(operator: str) -> str:
    """What an operator does.

    >>> kind_of("QLinearConv"), kind_of("NhwcMaxPool"), kind_of("Softmax")
    ('convolution', 'pooling', 'others')
    """
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, operator, re.IGNORECASE)), OTHER)


def profile_openvino(path: Path, images: Images, calls: int) -> tuple[list[Layer], list[float]]:
    """The layers of a network of OpenVINO, and the seconds of each call."""
    options = {"PERFORMANCE_HINT": "LATENCY", "PERF_COUNT": True}
    request = process_core().compile_model(str(path), "CPU", options).create_infer_request()
    events, seconds = [], []
    for number in range(-WARM_UP, calls):
        started = time.perf_counter()
        request.infer([images], share_inputs=True)
        if number >= 0:
            seconds.append(time.perf_counter() - started)
            executed = (each for each in request.profiling_info if each.status == ov.ProfilingInfo.Status.EXECUTED)
            events += [(e.node_name, e.node_type, e.exec_type, e.real_time.total_seconds() * 1e3) for e in executed]
    layers = _medians((name, kind_of(operator), "I8" in kernel, ms) for name, operator, kernel, ms in events)
    return layers, seconds


def _onnx(path: Path, images: Images, calls: int) -> tuple[list[Layer], list[float]]:
    with TemporaryDirectory() as scratch:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN_MICROSECONDS)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(scratch) / "profile")
        content = rewrite_for_x86(path.read_bytes())
        session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        seconds = []
        for _ in range(WARM_UP + calls):
            started = time.perf_counter()
            session.run(None, {INPUT: images})
            seconds.append(time.perf_counter() - started)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    measured: dict[str, list[tuple[str, str, bool, float]]] = defaultdict(list)
    for each in events:
        if each.get("cat") == "Node" and each["name"].endswith("_kernel_time"):
            name, operator = each["name"].removesuffix("_kernel_time"), each["args"]["op_name"]
            integers = "int8" in json.dumps(each["args"].get("input_type_shape", ""))
            measured[name].append((name, kind_of(operator), integers, each["dur"] / MICROSECONDS_PER_MS))
    layers = _medians(event for calls_of_one in measured.values() for event in calls_of_one[WARM_UP:])
    return layers, seconds[WARM_UP:]


def _medians(events: Iterable[tuple[str, str, bool, float]]) -> list[Layer]:
    times: dict[tuple[str, str, bool], list[float]] = defaultdict(list)
    for name, kind, int8, ms in events:
        times[name, kind, int8].append(ms)
    return [
        Layer(name=name, kind=kind, int8=int8, ms=statistics.median(each)) for (name, kind, int8), each in times.items()
    ]


def noise(batch: int, size: int) -> Images:
    """Random images [batch, size, size, 3]: no kernel of int8 is faster for others."""
    return np.random.default_rng(0).integers(0, 256, (batch, size, size, 3), np.uint8)
