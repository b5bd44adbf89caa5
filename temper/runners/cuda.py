"""The little of CUDA that a runner needs, over NVIDIA's cuda-python: buffers, one stream, asynchronous copies."""

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
from cuda.bindings import runtime as cuda
from numpy.typing import NDArray

from temper.errors import UserError


@dataclass(frozen=True)
class Buffer:
    """Page-locked memory on the host, an array, and as much on the device, an address."""

    host: NDArray[Any]
    pinned: int
    address: int

    def bytes_of(self, n: int) -> int:
        """Bytes of the first n rows."""
        return n * self.host.itemsize * int(np.prod(self.host.shape[1:]))


class Device:
    """The first GPU: a stream and the buffers made on it. Not for use from several threads at once."""

    def __init__(self) -> None:
        _check(cuda.cudaSetDevice(0))
        self._stream = _check(cuda.cudaStreamCreate())
        self._buffers: list[Buffer] = []

    @property
    def stream(self) -> int:
        """The stream's handle, as TensorRT takes it."""
        return int(self._stream)

    def buffer(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Buffer:
        """Allocate a buffer on both sides."""
        count = int(np.prod(shape))
        pinned = int(_check(cuda.cudaHostAlloc(count * dtype.itemsize, cuda.cudaHostAllocDefault)))
        address = int(_check(cuda.cudaMalloc(count * dtype.itemsize)))
        memory = (ctypes.c_byte * (count * dtype.itemsize)).from_address(pinned)
        made = Buffer(np.frombuffer(memory, np.uint8).view(dtype).reshape(shape), pinned, address)
        self._buffers.append(made)
        return made

    def upload(self, buffer: Buffer, n: int) -> None:
        """Copy the first n rows to the device, in the stream's order."""
        kind = cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
        _check(cuda.cudaMemcpyAsync(buffer.address, buffer.pinned, buffer.bytes_of(n), kind, self._stream))

    def download(self, buffer: Buffer, n: int) -> None:
        """Copy the first n rows to the host, in the stream's order."""
        kind = cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
        _check(cuda.cudaMemcpyAsync(buffer.pinned, buffer.address, buffer.bytes_of(n), kind, self._stream))

    def synchronize(self) -> None:
        """Wait until all that was asked of the stream is done."""
        _check(cuda.cudaStreamSynchronize(self._stream))

    def close(self) -> None:
        """Give everything back."""
        for each in self._buffers:
            cuda.cudaFree(each.address)
            cuda.cudaFreeHost(each.pinned)
        self._buffers.clear()
        cuda.cudaStreamDestroy(self._stream)


def _check(answer: tuple[Any, ...]) -> Any:
    error, *values = answer
    if error != cuda.cudaError_t.cudaSuccess:
        raise UserError(f"the GPU answers {error.name}. Look at `nvidia-smi` for its memory and other processes.")
    return values[0] if values else None
