"""The part of CUDA that a runner needs: page-locked and device memory, streams, events, asynchronous copies, graphs.

Over pycuda where it is installed, else over NVIDIA's cuda-python, which is a wheel. pycuda has no CUDA graphs:
cuda-python records them on pycuda's streams where it is installed too. Streams and addresses are plain integers, as
TensorRT takes them.
"""

import contextlib
import ctypes
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temper.errors import ResourceError, UserError

try:
    cudart: Any = importlib.import_module("cuda.bindings.runtime")
except ImportError:
    cudart = None


class Cuda:
    """The first GPU, over NVIDIA's cuda-python. Everything that is allocated here lives until `close`."""

    def __init__(self) -> None:
        if cudart is None:
            raise ImportError("cuda.bindings")
        self._free: list[Callable[[], Any]] = []
        _check(cudart.cudaSetDevice(0))

    @contextlib.contextmanager
    def context(self) -> Iterator[None]:
        """Make the GPU current in the calling thread inside a `with` block."""
        _check(cudart.cudaSetDevice(0))
        yield

    def pinned(self, size: int) -> NDArray[np.uint8]:
        """Page-locked bytes on the host."""
        address = int(_check(cudart.cudaHostAlloc(size, cudart.cudaHostAllocDefault)))
        self._free.append(lambda: cudart.cudaFreeHost(address))
        return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))

    def allocate(self, size: int) -> int:
        """Address of bytes on the device."""
        address = int(_check(cudart.cudaMalloc(size)))
        self._free.append(lambda: cudart.cudaFree(address))
        return address

    def stream(self) -> int:
        """Handle of a new stream."""
        stream = _check(cudart.cudaStreamCreateWithFlags(cudart.cudaStreamNonBlocking))
        self._free.append(lambda: cudart.cudaStreamDestroy(stream))
        return int(stream)

    def event(self) -> Any:
        """A new event."""
        event = _check(cudart.cudaEventCreateWithFlags(cudart.cudaEventDisableTiming))
        self._free.append(lambda: cudart.cudaEventDestroy(event))
        return event

    def memcpy_h2d(self, address: int, source: NDArray[Any], stream: int) -> None:
        """Copy page-locked memory to the device, in the stream's order."""
        kind = cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
        _check(cudart.cudaMemcpyAsync(address, source.ctypes.data, source.nbytes, kind, stream))

    def memcpy_d2h(self, target: NDArray[Any], address: int, stream: int) -> None:
        """Copy from the device to page-locked memory, in the stream's order."""
        kind = cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
        _check(cudart.cudaMemcpyAsync(target.ctypes.data, address, target.nbytes, kind, stream))

    def record(self, event: Any, stream: int) -> None:
        """The event happens when the stream reaches this point."""
        _check(cudart.cudaEventRecord(event, stream))

    def wait(self, stream: int, event: Any) -> None:
        """The stream continues after the event."""
        _check(cudart.cudaStreamWaitEvent(stream, event, 0))

    def synchronize(self, event: Any) -> None:
        """Block until the event has happened."""
        _check(cudart.cudaEventSynchronize(event))

    def close(self) -> None:
        """Free everything; a second call does nothing."""
        while self._free:
            self._free.pop()()


class _PyCuda(Cuda):
    """The same over pycuda, in the context that it shares with TensorRT and other libraries."""

    def __init__(self) -> None:
        import pycuda.driver as driver

        self._driver = driver
        # Streams and device memory live as long as pycuda's objects do.
        self._alive: dict[int, Any] = {}
        try:
            driver.init()
            self._context = driver.Device(0).retain_primary_context()
        except driver.Error as error:
            raise _gpu_error(str(error)) from None

    @contextlib.contextmanager
    def context(self) -> Iterator[None]:
        self._context.push()
        try:
            yield
        finally:
            self._context.pop()

    def pinned(self, size: int) -> NDArray[np.uint8]:
        block: NDArray[np.uint8] = self._driver.pagelocked_empty(size, np.uint8)
        return block

    def allocate(self, size: int) -> int:
        block = self._driver.mem_alloc(size)
        self._alive[int(block)] = block
        return int(block)

    def stream(self) -> int:
        stream = self._driver.Stream()
        self._alive[stream.handle] = stream
        return int(stream.handle)

    def event(self) -> Any:
        return self._driver.Event(self._driver.event_flags.DISABLE_TIMING)

    def memcpy_h2d(self, address: int, source: NDArray[Any], stream: int) -> None:
        self._driver.memcpy_htod_async(address, source, self._alive[stream])

    def memcpy_d2h(self, target: NDArray[Any], address: int, stream: int) -> None:
        self._driver.memcpy_dtoh_async(target, address, self._alive[stream])

    def record(self, event: Any, stream: int) -> None:
        event.record(self._alive[stream])

    def wait(self, stream: int, event: Any) -> None:
        self._alive[stream].wait_for_event(event)

    def synchronize(self, event: Any) -> None:
        event.synchronize()

    def close(self) -> None:
        with self.context():
            self._alive.clear()


def open_cuda() -> Cuda:
    """The GPU, over pycuda or cuda-python. Raises ImportError where neither is installed, UserError without a GPU."""
    try:
        return _PyCuda()
    except ImportError:
        return Cuda()


def record_graph(stream: int, work: Callable[[], bool]) -> Any | None:
    """A CUDA graph of what `work` enqueues on the stream, not executed; None where it cannot be recorded."""
    if cudart is None:
        return None
    if cudart.cudaStreamBeginCapture(stream, cudart.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal)[0]:
        return None
    succeeded = work()
    error, graph = cudart.cudaStreamEndCapture(stream)
    if error or not succeeded:
        return None
    error, executable = cudart.cudaGraphInstantiate(graph, 0)
    cudart.cudaGraphDestroy(graph)
    return None if error else executable


def launch_graph(graph: Any, stream: int) -> None:
    """Execute a recorded graph, in the stream's order."""
    _check(cudart.cudaGraphLaunch(graph, stream))


def free_graph(graph: Any) -> None:
    """Free a recorded graph."""
    cudart.cudaGraphExecDestroy(graph)


def _check(result: tuple[Any, ...]) -> Any:
    error, *values = result
    if error:
        raise _gpu_error(error.name)
    return values[0] if values else None


def _gpu_error(error: str) -> UserError:
    kind = ResourceError if "memory" in error.lower() else UserError
    return kind(
        f"the GPU reports {error}", fix="Check its memory, its driver and other programs on it with `nvidia-smi`."
    )
