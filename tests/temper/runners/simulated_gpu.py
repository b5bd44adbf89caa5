"""A GPU that does nothing before it must: streams hold their work until somebody waits for an event.

So memory that is overwritten too early, a missing event or a copy in the wrong order gives wrong probabilities here, as
it sometimes would on a GPU. Its TensorRT computes with ONNX Runtime, on the addresses that it is given.
"""

import contextlib
import ctypes
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from temper.runners.trt.cuda import Cuda

Batch = tuple[int, int, int]


@dataclass
class Event:
    """An event that has happened, or that was recorded on a stream and is still to happen."""

    stream: int = -1
    tickets: int = 0
    done: int = 0


@dataclass
class SimulatedCuda(Cuda):
    """CUDA on host memory."""

    queues: dict[int, deque[Callable[[], object]]] = field(default_factory=dict)
    memory: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    closed: int = 0
    depth: int = 0

    @contextlib.contextmanager
    def context(self) -> Iterator[None]:
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def pinned(self, size: int) -> NDArray[np.uint8]:
        return np.full(size, 99, np.uint8)

    def allocate(self, size: int) -> int:
        block = np.full(size, 77, np.uint8)
        address = int(block.ctypes.data)
        self.memory[address] = block
        return address

    def stream(self) -> int:
        self.queues[len(self.queues) + 1] = deque()
        return len(self.queues)

    def event(self) -> Event:
        return Event()

    def memcpy_h2d(self, address: int, source: NDArray[Any], stream: int) -> None:
        assert self.depth, "the GPU is not current in this thread"
        self.enqueue(stream, lambda: ctypes.memmove(address, source.ctypes.data, source.nbytes))

    def memcpy_d2h(self, target: NDArray[Any], address: int, stream: int) -> None:
        self.enqueue(stream, lambda: ctypes.memmove(target.ctypes.data, address, target.nbytes))

    def record(self, event: Event, stream: int) -> None:
        event.stream = stream
        event.tickets += 1
        ticket = event.tickets

        def happen() -> None:
            event.done = ticket

        self.enqueue(stream, happen)

    def wait(self, stream: int, event: Event) -> None:
        ticket, source = event.tickets, event.stream
        self.enqueue(stream, lambda: self.run_until(source, event, ticket))

    def synchronize(self, event: Event) -> None:
        self.run_until(event.stream, event, event.tickets)

    def close(self) -> None:
        self.closed += 1
        self.memory.clear()

    def enqueue(self, stream: int, work: Callable[[], object]) -> None:
        self.queues[stream].append(work)

    def run_until(self, stream: int, event: Event, ticket: int) -> None:
        while event.done < ticket:
            self.queues[stream].popleft()()


class Graphs:
    """Stands in for record_graph, launch_graph and free_graph: what is enqueued while recording is stored."""

    def __init__(self, cuda: SimulatedCuda) -> None:
        self.cuda = cuda
        self.launches = 0
        self.freed = 0

    def record(self, stream: int, work: Callable[[], bool]) -> list[Callable[[], object]] | None:
        before = len(self.cuda.queues[stream])
        done = work()
        queue = self.cuda.queues[stream]
        recorded = [queue.pop() for _ in range(len(queue) - before)][::-1]
        return recorded if done else None

    def launch(self, graph: list[Callable[[], object]], stream: int) -> None:
        self.launches += 1
        self.cuda.queues[stream].extend(graph)

    def free(self, graph: object) -> None:
        self.freed += 1


class SimulatedContext:
    """Of one profile; refuses batches outside of it, and input shapes or addresses that were never set."""

    def __init__(self, engine: "SimulatedEngine") -> None:
        self.engine = engine
        self.addresses: dict[str, int] = {}
        self.shape: tuple[int, ...] = ()
        self.profile = -1

    def set_optimization_profile_async(self, profile: int, stream: int) -> bool:
        self.profile = profile
        return True

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        smallest, _, largest = self.engine.profiles[self.profile]
        assert name == "images" and smallest <= shape[0] <= largest
        self.shape = shape
        return True

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        if self.engine.broken:
            return False
        shape, addresses = self.shape, dict(self.addresses)
        self.engine.batches.append((self.profile, shape[0]))
        self.engine.cuda.enqueue(stream, lambda: self._compute(shape, addresses))
        return True

    def _compute(self, shape: tuple[int, ...], addresses: dict[str, int]) -> None:
        size = int(np.prod(shape))
        images = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(addresses["images"])).reshape(shape).copy()
        probabilities = np.ascontiguousarray(self.engine.session.run(None, {"images": images})[0], np.float32)
        ctypes.memmove(addresses["probabilities"], probabilities.ctypes.data, probabilities.nbytes)


class SimulatedCache:
    """IRuntimeCache of TensorRT-RTX: kernels by name; its bytes are refused on a GPU of another name."""

    def __init__(self, gpu: str) -> None:
        self.gpu = gpu
        self.kernels: list[str] = []

    def serialize(self) -> bytes:
        return json.dumps([self.gpu, self.kernels]).encode()

    def deserialize(self, content: bytes) -> bool:
        gpu, kernels = json.loads(content)
        self.kernels = kernels if gpu == self.gpu else self.kernels
        return bool(gpu == self.gpu)


class SimulatedRuntimeConfig:
    """IRuntimeConfig of TensorRT-RTX."""

    def __init__(self, gpu: str) -> None:
        self.gpu = gpu
        self.cuda_graph_strategy = ""
        self.cache: SimulatedCache | None = None

    def create_runtime_cache(self) -> SimulatedCache:
        return SimulatedCache(self.gpu)

    def set_runtime_cache(self, cache: SimulatedCache) -> bool:
        self.cache = cache
        return True


class SimulatedEngine:
    """An ONNX file behind the part of ICudaEngine that the runner uses."""

    def __init__(self, onnx: Path, cuda: SimulatedCuda, profiles: list[Batch]) -> None:
        self.session = ort.InferenceSession(str(onnx))
        self.cuda = cuda
        self.profiles = profiles
        self.batches: list[tuple[int, int]] = []
        self.broken = False
        self.gpu = "NVIDIA L4"
        self.compiled: list[str] = []
        self.num_io_tensors = 2
        self.num_optimization_profiles = len(profiles)

    def get_tensor_name(self, index: int) -> str:
        # TensorRT promises no order.
        return ("probabilities", "images")[index]

    def get_tensor_mode(self, name: str) -> str:
        return "in" if name == "images" else "out"

    def get_tensor_profile_shape(self, name: str, index: int) -> list[tuple[int, ...]]:
        return [(n, 16, 16, 3) for n in self.profiles[index]]

    def create_runtime_config(self) -> SimulatedRuntimeConfig:
        return SimulatedRuntimeConfig(self.gpu)

    def create_execution_context(self, config: SimulatedRuntimeConfig | None = None) -> SimulatedContext:
        """With a configuration, that of TensorRT-RTX: kernels that its cache lacks are compiled and added to it."""
        if config and config.cache and "kernels" not in config.cache.kernels:
            self.compiled.append("kernels")
            config.cache.kernels.append("kernels")
        return SimulatedContext(self)
