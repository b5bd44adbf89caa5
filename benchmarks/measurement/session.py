"""Candidates measured side by side: every round asks each of them, in random order, so that drift hits all alike."""

import random
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.measurement import gpu_telemetry as nvidia
from benchmarks.measurement import mlperf as loadgen
from benchmarks.measurement.samples import Measured, Plan
from benchmarks.measurement.worker import Worker
from benchmarks.measurement.worker_process import Calls
from temper.errors import UserError
from temper.runners.base import Images

SEED = 0
LEAST_ROUNDS, BLOCKS, PASSES = 10, 16, 5
# A slow row is called once a turn; a fast one as often as fits, so that its p99 has samples too.
TURN_SECONDS, TURN_CALLS = 0.05, 20
WINDOW_CALLS, WINDOWS, MOST_WINDOWS, STABLE_SPREAD = 5, 3, 12, 0.10
SERVER_REACH = 1.25
Say = Callable[[str], None]
T = TypeVar("T")


class Session:
    """Warm processes, one for each candidate, asked one at a time; a context manager.

    pictures: a .npy file of uint8 [n, size, size, 3]. A candidate that cannot be opened, or dies, is skipped.
    conditions: the GPU's state after each round, where there is one.
    """

    def __init__(self, found: list[Measured], pictures: Path, plan: Plan, say: Say) -> None:
        self._found, self._plan, self._say = found, plan, say
        self._pictures = pictures
        self._first: Images = np.array(np.load(pictures, mmap_mode="r")[:1])
        self._workers: dict[int, Worker] = {}
        self._order = random.Random(SEED)
        self.conditions: list[dict[str, str]] = []

    def __enter__(self) -> "Session":
        for i, each in enumerate(self._found):
            self._say(f"opening {each.name}")
            try:
                self._workers[i] = self._open(each)
            except UserError as error:
                each.skipped = error.in_short
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.close()

    def answer(self) -> None:
        """Every row answers all pictures."""
        for each, worker in self._rows():
            self._say(f"answers of {each.name}")
            each.answers = self._try(each, worker.answers)

    def warm_up(self) -> None:
        """Call until three windows agree within a tenth; who never gets there is flagged."""
        for each, worker in self._alive():
            each.stable = bool(self._try(each, partial(_become_stable, worker)))

    def latency(self) -> None:
        """Turns of one call, or of as many as fit into a twentieth of a second, in random order."""
        rounds, end = 0, time.monotonic() + self._plan.seconds * len(self._alive())
        begun = time.monotonic()
        while rounds < LEAST_ROUNDS or time.monotonic() < end:
            share = min(1.0, (time.monotonic() - begun) / max(end - begun, 1e-9))
            self._say(f"latency, round {rounds + 1} ({share:.0%})")
            for each, worker in self._shuffled():
                calls = self._try(each, partial(worker.turn, 1, TURN_CALLS, TURN_SECONDS))
                each.latency += [calls] if calls else []
                if each.facts.get("device") != "CPU":
                    bare = self._try(each, partial(worker.turn_without_copies, 1, TURN_CALLS, TURN_SECONDS))
                    each.network += [bare] if bare else []
            self.conditions.append(nvidia.conditions())
            rounds += 1

    def throughput(self) -> None:
        """Blocks of calls without a pause, of every batch size, in random order."""
        for number in range(BLOCKS):
            for batch in self._order.sample(self._plan.batches, len(self._plan.batches)):
                self._say(f"throughput at batch {batch}, block {number + 1} of {BLOCKS}")
                for each, worker in self._shuffled():
                    calls = self._try(each, partial(worker.turn, batch, 10**9, self._plan.seconds / BLOCKS))
                    each.throughput.setdefault(batch, []).extend([calls] if calls else [])
                self.conditions.append(nvidia.conditions())

    def label_files(self) -> None:
        """From files to labels: every row overlapped, and Keras once more as its tutorials do it."""
        for number in range(PASSES):
            for title, paths in self._plan.files.items():
                self._say(f"files to labels, {title}, pass {number + 1} of {PASSES}")
                for each, worker in self._order.sample(self._rows(), len(self._rows())):
                    ways = [(False, each.passages)]
                    if each.row is not None and each.row.is_keras and each.row.mode == "predict":
                        ways.append((True, each.plain_passages))
                    for plain, kept in ways:
                        passage = self._try(each, partial(worker.label_files, paths, plain))
                        kept.setdefault(title, []).extend([passage] if passage else [])

    def scenarios(self) -> None:
        """LoadGen's four, for each row."""
        for each, worker in self._rows():
            self._say(f"LoadGen with {each.name}")
            self._try(each, partial(self._run_scenarios, each, worker))

    def count_memory(self) -> None:
        """Ask every process for its largest resident memory, and for what it holds of the GPU's."""
        for each, worker in self._alive():
            each.peak_mib = self._try(each, worker.peak_mib) or 0.0
            each.gpu_mib = self._try(each, worker.gpu_mib)

    def _open(self, each: Measured) -> Worker:
        for _ in range(self._plan.cold_starts - 1 if each.row and not each.row.control else 0):
            worker = Worker(each.name, each.opened, self._first, self._pictures)
            each.cold_starts_seconds.append(worker.cold_start_seconds)
            worker.close()
        worker = Worker(each.name, each.opened, self._first, self._pictures)
        each.cold_starts_seconds.append(worker.cold_start_seconds)
        each.facts = worker.facts
        return worker

    def _run_scenarios(self, each: Measured, worker: Worker) -> None:
        folder = self._plan.logs / each.name.replace(" ", "-")
        most = max(_images_per_second(blocks) for blocks in each.throughput.values())

        def run(scenario: loadgen.Scenario, rate: float) -> loadgen.Outcome:
            where = folder / (f"{scenario}-{rate:.1f}" if scenario == "Server" else scenario)
            plan = self._plan
            outcome: loadgen.Outcome = worker.scenario(
                loadgen.Settings(scenario, where, plan.scenario_seconds, rate, plan.bound_seconds)
            )
            return outcome

        each.outcomes = [run(scenario, most) for scenario in loadgen.SCENARIOS if scenario != "Server"]
        # A queue fills batches of any size: it may beat the sizes that were timed.
        each.server_images_per_second, tried = loadgen.highest_rate(partial(run, "Server"), SERVER_REACH * most)
        each.outcomes += tried

    def _alive(self) -> list[tuple[Measured, Worker]]:
        return [(self._found[i], worker) for i, worker in self._workers.items() if not self._found[i].skipped]

    def _rows(self) -> list[tuple[Measured, Worker]]:
        return [(each, worker) for each, worker in self._alive() if each.row is not None and not each.row.control]

    def _shuffled(self) -> list[tuple[Measured, Worker]]:
        alive = self._alive()
        return self._order.sample(alive, len(alive))

    def _try(self, each: Measured, question: Callable[[], T]) -> T | None:
        if each.skipped:
            return None
        try:
            return question()
        except UserError as error:
            each.skipped = error.in_short
            return None


def _become_stable(worker: Worker) -> bool:
    medians: list[float] = []
    for _ in range(MOST_WINDOWS):
        medians.append(statistics.median(worker.warm_up(1, WINDOW_CALLS)))
        last = medians[-WINDOWS:]
        if len(last) == WINDOWS and max(last) <= (1 + STABLE_SPREAD) * min(last):
            return True
    return False


def _images_per_second(blocks: list[Calls]) -> float:
    images = sum(calls.batch * len(calls.wall_seconds) for calls in blocks)
    return images / sum(calls.total_seconds for calls in blocks)
