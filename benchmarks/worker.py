"""A row in a process of its own: its memory and imports colour no other row, and it stays warm between calls."""

import multiprocessing
import resource
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rows import Row
from temper.errors import MissingRuntime, UserError
from temper.runners.base import Images, Probabilities


@dataclass(frozen=True)
class Calls:
    """A block of calls, one after the other: wall and CPU seconds of each, and of the block."""

    wall_seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    block_seconds: float


class Worker:
    """A process that has opened a row's artifact. Raises MissingRuntime or UserError when it could not.

    cold_start_seconds: from the start of the process to its first answer. facts: what really runs.
    """

    def __init__(self, row: Row, images: Images) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        started = time.monotonic()
        self._process = context.Process(target=_serve, args=(far, row.artifact, row.mode), daemon=True)
        self._process.start()
        far.close()
        self._pipe.send(images)
        kind, answer = self._receive(row.name)
        if kind != "ready":
            self.close()
            raise {"missing": MissingRuntime, "refused": UserError}[kind](answer)
        self.facts: dict[str, str] = answer["facts"]
        self.cold_start_seconds: float = answer["answered"] - started

    def call(self, batch: int, seconds: float) -> Calls:
        """Call with batches of the pictures, in turn, for about so many seconds; at least once."""
        return Calls(*self._ask(("call", batch, seconds)))

    def answers(self) -> Probabilities:
        """Probabilities of all pictures."""
        found: Probabilities = self._ask(("answers",))
        return found

    def peak_mib(self) -> float:
        """Largest resident memory of the process so far."""
        return float(self._ask(("peak",)))

    def close(self) -> None:
        """End the process."""
        if self._process.is_alive():
            self._pipe.close()
            self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()

    def _ask(self, question: tuple[Any, ...]) -> Any:
        self._pipe.send(question)
        return self._receive(str(question[0]))

    def _receive(self, what: str) -> Any:
        try:
            return self._pipe.recv()
        except EOFError:
            self._process.join()
            raise UserError(
                f"the process that ran {what} died (exit code {self._process.exitcode}). Run the artifact alone to see "
                "why: python infer/run.py --engine ARTIFACT PICTURE"
            ) from None


def _serve(pipe: Connection, artifact: Path, mode: str) -> None:
    from temper.formats import open_runner

    images: Images = pipe.recv()
    try:
        runner = open_runner(artifact, mode)
        runner.predict(images[:1])
    except MissingRuntime as error:
        pipe.send(("missing", str(error)))
        return
    except UserError as error:
        pipe.send(("refused", str(error)))
        return
    pipe.send(("ready", {"answered": time.monotonic(), "facts": dict(runner.facts())}))
    with runner:
        try:
            while True:
                kind, *rest = pipe.recv()
                if kind == "call":
                    pipe.send(_calls(runner.predict, images, *rest))
                elif kind == "answers":
                    pipe.send(np.concatenate([runner.predict(images[i : i + 8]) for i in range(0, len(images), 8)]))
                else:
                    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        except EOFError:
            return


def _calls(predict: Any, images: Images, batch: int, seconds: float) -> tuple[Any, ...]:
    wall: list[float] = []
    cpu: list[float] = []
    begun = time.perf_counter()
    at = 0
    while not wall or time.perf_counter() - begun < seconds:
        part = images.take(range(at, at + batch), axis=0, mode="wrap")
        at += batch
        cpu_before, before = time.process_time(), time.perf_counter()
        predict(part)
        wall.append(time.perf_counter() - before)
        cpu.append(time.process_time() - cpu_before)
    return tuple(wall), tuple(cpu), time.perf_counter() - begun
