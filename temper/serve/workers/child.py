"""The child process: it holds the runtime, and predicts the batches that the parent puts into shared memory."""

import contextlib
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from temper.artifact import Artifact
from temper.errors import InvalidPredictions, QualityError, UserError
from temper.runners.base import Images, Probabilities, Runner
from temper.runners.load import open_runner
from temper.runners.self_test import self_test
from temper.system.child_process import leave_signals_to_parent

# Every size up to this is tried before the first request; larger ones are tried in powers of two.
WARM_UP_EACH = 8
MAX_MESSAGE = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Slot:
    """Shared memory for one batch.

    images: uint8 [max_batch, size, size, 3]. probabilities: float32 [max_batch, classes], NaN for what was not
    predicted because its deadline had passed, infinite where the network gave no probabilities.
    """

    images: Images
    probabilities: Probabilities

    @classmethod
    def over(cls, memory: Any, max_batch: int, size: int, classes: int) -> "Slot":
        """Arrays over a shared `RawArray` of bytes; see `bytes_for`."""
        everything: NDArray[np.uint8] = np.frombuffer(memory, np.uint8)
        pixels = max_batch * size * size * 3
        # Images first: their length may be odd, and floats would then not be aligned.
        images, rest = everything[:pixels], everything[_aligned(pixels) :]
        return cls(
            images=images.reshape(max_batch, size, size, 3),
            probabilities=rest.view(np.float32).reshape(max_batch, classes),
        )

    @staticmethod
    def bytes_for(max_batch: int, size: int, classes: int) -> int:
        """How many bytes a slot takes."""
        return _aligned(max_batch * size * size * 3) + max_batch * classes * 4


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a child is to do: load the artifact, and predict batches that are in the memories."""

    artifact: Path
    max_batch: int
    size: int
    classes: int
    memories: Sequence[Any]


def run_child(channel: socket.socket, parent: int, task: Task) -> None:
    """The main function of the child. It ends when the parent does, or closes the channel.

    channel: messages to the parent: first ("ready", runtime, device, executed) or ("failed", the class of the error,
    what, fix); then, for each batch, its slot and the seconds that it took. From the parent: a slot, and the deadline
    of each image in it.
    """
    leave_signals_to_parent(parent)
    # The parent that has closed the channel reads nothing any more.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        _serve(channel, task)


def _serve(channel: socket.socket, task: Task) -> None:
    try:
        runner = _load(task)
    except UserError as error:
        channel.send(msgspec.msgpack.encode(("failed", type(error).__name__, error.what, error.fix)))
        return
    with runner:
        info = runner.runtime_info()
        channel.send(msgspec.msgpack.encode(("ready", info.runtime, info.device, info.executed)))
        slots = [Slot.over(each, task.max_batch, task.size, task.classes) for each in task.memories]
        while message := channel.recv(MAX_MESSAGE):
            index, deadlines = msgspec.msgpack.decode(message)
            started = time.perf_counter()
            try:
                predict_slot(runner, slots[index], deadlines)
            except InvalidPredictions:
                # One image may cause it; the process goes on.
                slots[index].probabilities[: len(deadlines)] = np.inf
            channel.send(msgspec.msgpack.encode((index, time.perf_counter() - started)))


def predict_slot(runner: Runner, slot: Slot, deadlines: Sequence[float]) -> None:
    """Predict the first images of a slot, without those whose deadline (time.monotonic) has passed."""
    n = len(deadlines)
    now = time.monotonic()
    if min(deadlines) > now:
        slot.probabilities[:n] = runner.predict(slot.images[:n])
        return
    is_due = np.array(deadlines) > now
    slot.probabilities[:n] = np.nan
    if is_due.any():
        slot.probabilities[:n][is_due] = runner.predict(slot.images[:n][is_due])


def warm_up_sizes(max_batch: int) -> list[int]:
    """The batch sizes to try before the first request: some runtimes prepare each size when it first occurs.

    >>> warm_up_sizes(20)
    [1, 2, 3, 4, 5, 6, 7, 8, 16, 20]
    """
    powers = (1 << exponent for exponent in range(max_batch.bit_length()))
    return sorted({*range(1, min(max_batch, WARM_UP_EACH) + 1), *powers, max_batch})


def _load(task: Task) -> Runner:
    runner = open_runner(Artifact.at(task.artifact))
    try:
        if runner.card.golden:
            _check(runner)
        image = np.zeros((task.max_batch, task.size, task.size, 3), np.uint8)
        for n in warm_up_sizes(task.max_batch):
            runner.predict(image[:n])
    except BaseException:
        runner.close()
        raise
    return runner


def _check(runner: Runner) -> None:
    result = self_test(runner)
    if not result.passed:
        raise QualityError(
            f"{runner.artifact.name} failed its self-test: its probabilities differ by {result.max_difference:.4f} "
            f"from those of the model; the tolerance is {result.tolerance:.4f}; {result.unexpected_changes} "
            f"of {result.images} labels change that did not at the conversion",
            fix="Convert it again.",
        )


def _aligned(count: int) -> int:
    return -(-count // 8) * 8
