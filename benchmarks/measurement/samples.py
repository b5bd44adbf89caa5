"""What is to be measured, how long, and what was seen of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.cases import Row
from benchmarks.measurement.end_to_end import Passage
from benchmarks.measurement.mlperf import Outcome
from benchmarks.measurement.worker_process import Calls
from temper.formats import open_runner
from temper.runners.base import Probabilities, Runner


@dataclass(frozen=True)
class Plan:
    """How long and what. seconds: of a candidate's timing, for latency and again at each batch size.

    files: sets of pictures to go from file to label with, by name. logs: where LoadGen's go.
    scenario_seconds: of each LoadGen run, 0 for none. bound_seconds: of Server's p99.
    """

    seconds: float
    batches: tuple[int, ...]
    cold_starts: int
    files: dict[str, list[Path]]
    logs: Path
    scenario_seconds: float
    bound_seconds: float


@dataclass
class Measured:
    """A candidate with all that was seen of it; `skipped` says why there is nothing more. row: None for a peak kernel.

    latency: turns at batch 1; network: the same without copies, if there are any. throughput: blocks of each batch
    size. passages: of each set of files.
    plain_passages: the same as Keras' tutorials do it.
    """

    name: str
    opened: Callable[[], Runner]
    row: Row | None = None
    skipped: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    cold_starts_seconds: list[float] = field(default_factory=list)
    stable: bool = True
    answers: Probabilities | None = None
    latency: list[Calls] = field(default_factory=list)
    network: list[Calls] = field(default_factory=list)
    throughput: dict[int, list[Calls]] = field(default_factory=dict)
    passages: dict[str, list[Passage]] = field(default_factory=dict)
    plain_passages: dict[str, list[Passage]] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    server_images_per_second: float | None = None
    peak_mib: float = 0.0
    gpu_mib: float | None = None


def candidate(row: Row) -> Measured:
    """A row, not measured yet."""
    return Measured(row.name, partial(open_runner, row.artifact, row.mode), row)
