"""All suites. A new one is a row: a function `run(count, seed, scratch)`, how often it tries, and a planted fault.

The counts are such that all suites together take less than an hour on two cores.
"""

import importlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.chaos.record import Record


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What is tried, and with which fault it must fail.

    function: "module:function", from (count, seed, scratch folder) to a Record, or to counts by the names of its
    fields. count: tries of `make chaos`. fault: "module:function", a context manager that plants it. fault_count: tries
    that notice the fault. limits: of other counts, the largest that passes.
    """

    name: str
    what: str
    function: str
    count: int
    fault: str
    fault_count: int
    limits: Mapping[str, float] = field(default_factory=dict)

    def run(self, count: int, seed: int, scratch: Path) -> Record:
        """Try `count` times, in an empty folder."""
        function: Callable[[int, int, Path], Mapping[str, Any] | Record] = _load(self.function)
        scratch.mkdir(parents=True, exist_ok=True)
        return Record.of(function(count, seed, scratch))

    def planted(self) -> AbstractContextManager[Any]:
        """Plant the fault."""
        planted: AbstractContextManager[Any] = _load(self.fault)()
        return planted

    def exceeded(self, record: Record) -> list[str]:
        """Names of the counts that are above their limits."""
        return [name for name, limit in self.limits.items() if record.count_of(name) > limit]


SUITES = (
    # The longest ones first: two run at the same time.
    Suite(
        name="jobs killed",
        what="a job over so many images that is killed once for each 50,000 of them; every image has one row",
        function="experiments.chaos.commands.resumed:run_jobs", count=1_000_000,
        fault="experiments.chaos.planted:forgetful", fault_count=1200,
    ),
    Suite(
        name="commands interrupted",
        what="every command, by SIGINT and SIGTERM at random moments: exit code 130 or 143 within 5 s, and no process "
        "is left; before_start: Python itself was not ready; lost: the command does not work again",
        function="experiments.chaos.commands.interrupts:run", count=100,
        fault="experiments.chaos.guards:concealed", fault_count=3, limits={"slow": 0},
    ),
    Suite(
        name="publications killed",
        what="kill -9 before each change of the file system and at random moments: file, companions, folder",
        function="experiments.chaos.publications.kills:run", count=2000,
        fault="experiments.chaos.planted:in_place", fault_count=30,
    ),
    Suite(
        name="system calls that fail",
        what="kill, ENOSPC and EIO at the N-th write, rename, fsync, mkdir, removal of a publication",
        function="experiments.chaos.publications.crash_points:run", count=600,
        fault="experiments.chaos.planted:one_by_one", fault_count=63,
    ),
    Suite(
        name="two writers and a reader",
        what="two processes publish the same artifact, one of them is killed at times, a third one reads",
        function="experiments.chaos.publications.writers:run", count=2000,
        fault="experiments.chaos.planted:one_by_one", fault_count=40,
    ),
    Suite(
        name="full disks",
        what="publications on a disk with a random amount of free space, or read-only",
        function="experiments.chaos.publications.disks:run", count=1000,
        fault="experiments.chaos.planted:in_place", fault_count=120,
    ),
    Suite(
        name="draw and jobs disturbed",
        what="data/run.py draw and a job over a folder: killed at random moments and at system calls, then repeated",
        function="experiments.chaos.commands.disturb:run", count=150,
        fault="experiments.chaos.planted:in_place", fault_count=24,
    ),
    Suite(
        name="trainings and conversions disturbed",
        what="train and convert to six artifacts: killed at random moments and at system calls, then repeated",
        function="experiments.chaos.commands.disturb:run_stages", count=60,
        fault="experiments.chaos.planted:copied", fault_count=7,
    ),
    Suite(
        name="trainings killed",
        what="a training that is killed and resumed ends with the same weights",
        function="experiments.chaos.commands.resumed:run_trainings", count=10,
        fault="experiments.chaos.planted:reseeded", fault_count=2,
    ),
    Suite(
        name="wrong command lines",
        what="typing errors, wrong values and paths for every command: an exit code that is documented, and a remedy",
        function="experiments.chaos.commands.command_lines:run", count=300,
        fault="experiments.chaos.guards:unanswered", fault_count=36,
    ),
    Suite(
        name="commands watched",
        what="no command but fetch reaches out of this machine, or asks for a name: strace watches",
        function="experiments.chaos.commands.network:run", count=2,
        fault="experiments.chaos.guards:reaching", fault_count=1, limits={"refused": 0},
    ),
    Suite(
        name="hostile requests",
        what="broken JSON, wrong tensors, bombs, endless headers and bodies; afterwards the server predicts as before",
        function="experiments.chaos.commands.requests:run", count=300,
        fault="experiments.chaos.guards:unrefused_by_server", fault_count=40, limits={"growth MiB": 256},
    ),
    Suite(
        name="flipped bits of artifacts",
        what="a bit of the files of an artifact, in six formats; its card is the honest one",
        function="experiments.chaos.artifacts.flips:run", count=10_000,
        fault="experiments.chaos.guards:unchecked", fault_count=60,
    ),
    Suite(
        name="flipped bits with a fitting checksum",
        what="no checksum can notice them; `changed` have another label and pass the self-test",
        function="experiments.chaos.artifacts.flips:run_sealed", count=5000,
        fault="experiments.chaos.guards:unexplained", fault_count=50,
    ),
    Suite(
        name="flipped bits of cards",
        what="every bit of a card",
        function="experiments.chaos.artifacts.cards:run", count=80_000,
        fault="experiments.chaos.guards:unsealed", fault_count=400,
    ),
    Suite(
        name="edited cards with a fitting checksum",
        what="a value of a card is removed or replaced by one of another type or size",
        function="experiments.chaos.artifacts.cards:run_sealed", count=5000,
        fault="experiments.chaos.guards:unvalidated", fault_count=60,
    ),
    Suite(
        name="artifacts swapped",
        what="another process exchanges the file of an artifact again and again while it is opened",
        function="experiments.chaos.artifacts.swaps:run", count=1000,
        fault="experiments.chaos.guards:unchecked", fault_count=40,
    ),
    Suite(
        name="hostile artifacts",
        what="weights in other files, bombs, pipes, gigabytes, other formats and values; their checksums fit",
        function="experiments.chaos.artifacts.hostile:run", count=106,
        fault="experiments.chaos.guards:unguarded", fault_count=8, limits={"peak_mib": 512},
    ),
    Suite(
        name="hostile images decoded",
        what="Pillow's test images and mutants of them, as every command decodes them: each in 2 CPU-s and 512 MiB",
        function="experiments.chaos.decoding.images:run", count=41_000,
        fault="experiments.chaos.guards:unrefused", fault_count=200, limits={"slow": 0, "peak_mb": 512},
    ),
    Suite(
        name="hostile images scanned",
        what="the same in a dataset: what a scan accepts, a training can decode",
        function="experiments.chaos.decoding.dataset_files:run", count=41_000,
        fault="experiments.chaos.guards:undecoded", fault_count=200, limits={"slow": 0, "peak_mb": 512},
    ),
)  # fmt: skip


def suite_named(name: str) -> Suite:
    """The suite of a name. Raises KeyError without one."""
    return {each.name: each for each in SUITES}[name]


def _load(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)
