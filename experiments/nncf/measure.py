"""Calls of several networks under OpenVINO, in one interleaved run."""

import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import openvino as ov

from temper.runners.base import Images, Probabilities
from temper.runners.openvino import process_core

BLOCK_SECONDS = 0.15
MILLI = 1e3


@dataclass(kw_only=True)
class Timed:
    """Medians of each block, for one image: wall and CPU milliseconds."""

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


def compile_network(path: Path, threads: int, precision: str = "") -> ov.CompiledModel:
    """A network as `temper.runners.openvino` compiles it. threads: 0 for all. precision: hint, "" for the default."""
    options = {"PERFORMANCE_HINT": "LATENCY"}
    options |= {"INFERENCE_NUM_THREADS": str(threads)} if threads else {}
    options |= {"INFERENCE_PRECISION_HINT": precision} if precision else {}
    return process_core().compile_model(str(path), "CPU", options)


def predict(network: ov.CompiledModel, images: Images, batch: int = 8) -> Probabilities:
    """Probabilities [n, classes] of images [n, size, size, 3]."""
    starts = range(0, len(images), batch)
    return np.concatenate([np.array(network(images[at : at + batch])[0], np.float32) for at in starts])


def time_networks(networks: dict[str, ov.CompiledModel], images: Images, batch: int, rounds: int) -> dict[str, Timed]:
    """Blocks of calls of each network, one after the other in rounds of random order, after a warm-up."""
    requests = {name: network.create_infer_request() for name, network in networks.items()}
    timed, random = {name: Timed() for name in networks}, np.random.default_rng(0)
    for number in range(-2, rounds):
        for name in random.permutation(list(networks)):
            wall, cpu = _block(requests[name], images, batch)
            if number >= 0:
                timed[name].wall_ms.append(MILLI * wall / batch)
                timed[name].cpu_ms.append(MILLI * cpu / batch)
    return timed


def _block(request: ov.InferRequest, images: Images, batch: int) -> tuple[float, float]:
    """Median wall seconds of a call, and CPU seconds of a call on average."""
    seconds: list[float] = []
    start, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - start < BLOCK_SECONDS:
        at = len(seconds) * batch % (len(images) - batch + 1)
        before = time.perf_counter()
        request.infer([images[at : at + batch]], share_inputs=True)
        seconds.append(time.perf_counter() - before)
    return statistics.median(seconds), (time.process_time() - cpu) / len(seconds)
