"""A process of its own for each case: its memory and imports affect no other case, and it stays warm between calls.

Nothing is imported that a case does not need for its first prediction, which ends its cold start.
"""

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, cast

from temper.errors import UserError
from temper.system.child_process import describe_exit, leave_signals_to_parent
from temper.system.interrupts import delayed_interrupt

if TYPE_CHECKING:
    from temper.runners.base import Images, Runner

GRACE_SECONDS = 5
State = TypeVar("State")
P = ParamSpec("P")
T = TypeVar("T")
Start = Callable[[], contextlib.AbstractContextManager[State]]


class Worker(Generic[State]):
    """A process that enters a context and then calls functions with the value of that context.

    name: for messages. start: makes the context, in the process. started_at: time.monotonic() before the process began.
    Raises UserError when `start` does, or when the process died.
    """

    def __init__(self, name: str, start: Start[State]) -> None:
        self._name = name
        context = multiprocessing.get_context("spawn")
        self._pipe, far_end = context.Pipe()
        self.started_at = time.monotonic()
        # No daemon: a plan is first tried in a process of its own. It ends when this end of the pipe closes.
        self._process = context.Process(target=worker_main, args=(far_end, os.getpid(), start))
        try:
            # Ctrl-C interrupts none of the imports of the process.
            with delayed_interrupt():
                self._process.start()
                far_end.close()
            self._receive()
        except BaseException:
            if self._process.pid:
                self.close()
            raise

    def call(self, function: Callable[Concatenate[State, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """Call a module's function in the process, the state as its first argument.

        Raises UserError when the function does, or when the process died.
        """
        # Sending to a process that died fails; receiving reports how it died.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._pipe.send((function, arguments, named))
        return cast("T", self._receive())

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=GRACE_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _receive(self) -> Any:
        try:
            result, error = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            self._process.join(timeout=GRACE_SECONDS)
            raise UserError(
                f"the process of {self._name} died ({describe_exit(self._process.exitcode or 0)})",
                fix="To see why, run the artifact alone: python infer/run.py --engine ARTIFACT IMAGE",
            ) from None
        if error is not None:
            raise error
        return result


def worker_main(pipe: Connection, parent: int, start: Start[State]) -> None:
    """Enter the context, then execute requests until the pipe closes. parent: the number of the parent process."""
    leave_signals_to_parent(parent)
    # The parent may end at any time, also while the context is entered.
    with contextlib.ExitStack() as stack, contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            state = stack.enter_context(start())
        except UserError as error:
            pipe.send((None, error))
            return
        pipe.send((None, None))
        while True:
            function, arguments, named = pipe.recv()
            try:
                pipe.send((function(state, *arguments, **named), None))
            except UserError as error:
                pipe.send((None, error))


@dataclass(frozen=True, kw_only=True)
class LoadedCase:
    """A runner that has predicted once, and the images. ready_at: time.monotonic() after that prediction."""

    runner: "Runner"
    images: "Images"
    ready_at: float


@contextlib.contextmanager
def load_case(open_runner: Callable[[], "Runner"], images: Mapping[int, Path]) -> Iterator[LoadedCase]:
    """Open a runner and predict one image. images: .npy files of uint8 [n, size, size, 3], by size."""
    with open_runner() as runner:
        import numpy as np

        # Memory that all processes have in common; a plain array, since numpy's memmap makes every slice slow.
        array = np.asarray(np.load(images[runner.card.size], mmap_mode="r"))
        runner.predict(np.array(array[:1]))
        yield LoadedCase(runner=runner, images=array, ready_at=time.monotonic())
