"""A row in a process of its own: its memory and imports colour no other row, and it stays warm between calls."""

import contextlib
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measurement.worker_process import Calls, serve
from temper.errors import UserError
from temper.runners.base import Images, Probabilities, Runner

GRACE_SECONDS = 5


class Worker:
    """A process that has opened a runner and answered one picture.

    opened: makes the runner, over there. first: one picture [1, size, size, 3]. pictures: a .npy file of those to ask.
    cold_start_seconds: from the start of the process to its first answer. facts: what really runs.
    Raises MissingRuntime or UserError when it could not be opened, or died.
    """

    def __init__(self, name: str, opened: Callable[[], Runner], first: Images, pictures: Path) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        started = time.monotonic()
        # No daemon: a plan is first tried in a process of its own. It ends when this end of the pipe closes.
        self._process = context.Process(target=serve, args=(far, opened, first))
        self._process.start()
        far.close()
        try:
            answered, self.facts = self._receive()
        except UserError:
            self.close()
            raise
        self.cold_start_seconds = float(answered - started)
        self._pipe.send(pictures)

    def warm_up(self, batch: int, window: int) -> list[float]:
        """Wall seconds of so many calls."""
        return list(self._ask("warm_up", batch, window))

    def turn(self, batch: int, most: int, seconds: float) -> Calls:
        """A few timed calls after untimed ones."""
        calls: Calls = self._ask("turn", batch, most, seconds)
        return calls

    def turn_without_copies(self, batch: int, most: int, seconds: float) -> Calls | None:
        """The same with the pictures on the device already; None where nothing is copied."""
        calls: Calls | None = self._ask("turn_without_copies", batch, most, seconds)
        return calls

    def answers(self) -> Probabilities:
        """Probabilities of all pictures."""
        found: Probabilities = self._ask("answers")
        return found

    def label_files(self, paths: list[Path], as_plain_keras: bool) -> Any:
        """An end_to_end.Passage over the files."""
        return self._ask("label_files", paths, as_plain_keras)

    def scenario(self, settings: Any) -> Any:
        """A loadgen.Outcome."""
        return self._ask("scenario", settings)

    def peak_mib(self) -> float:
        """Largest resident memory of the process so far."""
        return float(self._ask("peak_mib"))

    def gpu_mib(self) -> float | None:
        """GPU memory that the process holds; None where it cannot be told."""
        held: float | None = self._ask("gpu_mib")
        return held

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=GRACE_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _ask(self, question: str, *arguments: object) -> Any:
        # A process that died cannot be asked; receiving says how it died.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._pipe.send((question, arguments))
        return self._receive()

    def _receive(self) -> Any:
        try:
            refusal, answer = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            self._process.join(timeout=GRACE_SECONDS)
            raise UserError(
                f"the process of {self.name} died (exit code {self._process.exitcode}). Run the artifact alone to see "
                "why: python infer/run.py --engine ARTIFACT PICTURE"
            ) from None
        if refusal is not None:
            raise refusal(answer)
        return answer
