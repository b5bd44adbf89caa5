"""Rows measured side by side: in each round every row once, in random order, so that drift hits all alike."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.rows import Row
from benchmarks.worker import Calls, Worker
from temper.errors import MissingRuntime, UserError
from temper.runners.base import Images, Probabilities

BATCHES = (1, 8)
ROUNDS = 10
SEED = 0


@dataclass
class Measured:
    """A row with all that was seen of it; `skipped` says why there is nothing."""

    row: Row
    skipped: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    cold_start_seconds: float = 0.0
    peak_mib: float = 0.0
    answers: Probabilities | None = None
    rounds: dict[int, list[Calls]] = field(default_factory=lambda: {batch: [] for batch in BATCHES})


def measure(rows: list[Row], images: Images, seconds: float, say: Callable[[str], None]) -> list[Measured]:
    """Open every row, let it answer all pictures [n, size, size, 3], then time it.

    seconds: measuring time of a row at each batch size, split over the rounds.
    """
    found = [Measured(row) for row in rows]
    workers: dict[int, Worker] = {}
    try:
        for i, each in enumerate(found):
            say(f"opening {each.row.name}")
            try:
                workers[i] = Worker(each.row, images)
            except (MissingRuntime, UserError) as error:
                each.skipped = str(error).splitlines()[0]
                continue
            each.facts, each.cold_start_seconds = workers[i].facts, workers[i].cold_start_seconds
        for i, worker in workers.items():
            # Answering everything is the warm-up too.
            say(f"answers of {found[i].row.name} to {len(images)} pictures")
            found[i].answers = worker.answers()
        _rounds(found, workers, seconds / ROUNDS, say)
        for i, worker in workers.items():
            found[i].peak_mib = worker.peak_mib()
    finally:
        for worker in workers.values():
            worker.close()
    return found


def _rounds(found: list[Measured], workers: dict[int, Worker], seconds: float, say: Callable[[str], None]) -> None:
    order = random.Random(SEED)
    turns = [(i, batch) for i in workers for batch in BATCHES]
    for number in range(ROUNDS):
        say(f"round {number + 1} of {ROUNDS}")
        order.shuffle(turns)
        for i, batch in turns:
            found[i].rounds[batch].append(workers[i].call(batch, seconds))
