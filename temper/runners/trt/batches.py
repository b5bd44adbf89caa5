"""Batches in flight, and the batch ranges that an engine has kernels for."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temper.runners.trt.cuda import Cuda


@dataclass(kw_only=True)
class Slot:
    """Memory for one batch in flight, page-locked and on the device, and the events that order its three steps.

    pending: (first row, rows) that its probabilities belong to; None when it is free. graphs: recorded executions, by
    profile and batch size; None for what cannot be recorded.
    """

    images: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    device_images: int
    device_probabilities: int
    h2d_done: Any
    compute_done: Any
    d2h_done: Any
    pending: tuple[int, int] | None = None
    graphs: dict[tuple[int, int], Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A range of batch sizes with kernels of its own, and the execution context that runs them."""

    index: int
    min_batch: int
    max_batch: int
    context: Any


def allocate_slot(cuda: Cuda, batch: int, size: int, classes: int) -> Slot:
    """A slot for at most `batch` images of `size` x `size` pixels."""
    image_bytes, row_bytes = size * size * 3, classes * np.dtype(np.float32).itemsize
    return Slot(
        images=cuda.pinned(batch * image_bytes).reshape(batch, size, size, 3),
        probabilities=cuda.pinned(batch * row_bytes).view(np.float32).reshape(batch, classes),
        device_images=cuda.allocate(batch * image_bytes),
        device_probabilities=cuda.allocate(batch * row_bytes),
        h2d_done=cuda.event(),
        compute_done=cuda.event(),
        d2h_done=cuda.event(),
    )


def choose_profile(profiles: list[Profile], n: int) -> Profile:
    """The narrowest profile for n images; for fewer than any profile takes, the one with the smallest batch."""
    fitting = [each for each in profiles if each.min_batch <= n <= each.max_batch]
    if fitting:
        return min(fitting, key=lambda each: each.max_batch)
    return min((each for each in profiles if each.max_batch >= n), key=lambda each: each.min_batch)
