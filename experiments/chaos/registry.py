"""All suites. A new one is a row: a function `run(count, seed, scratch)`, how often it tries, and a planted fault."""

import contextlib
import importlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.chaos.record import Record


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What is tried, and with which fault it must fail.

    function: "module:function", from (count, seed, scratch folder) to a Record, or to counts by the names of its
    fields. count: tries of `make chaos`. fault: "module:function", a context manager that plants it; "" for none.
    fault_count: tries that notice the fault.
    """

    name: str
    what: str
    function: str
    count: int
    fault: str = ""
    fault_count: int = 0

    def run(self, count: int, seed: int, scratch: Path) -> Record:
        """Try `count` times, in an empty folder."""
        function: Callable[[int, int, Path], Mapping[str, Any] | Record] = _load(self.function)
        return Record.of(function(count, seed, scratch))

    def planted(self) -> AbstractContextManager[Any]:
        """Plant the fault."""
        planted: AbstractContextManager[Any] = _load(self.fault)() if self.fault else contextlib.nullcontext()
        return planted


SUITES = (
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
        name="jobs killed",
        what="a job over 20,000 images that is killed again and again; every image has one row",
        function="experiments.chaos.commands.resumed:run_jobs", count=30,
        fault="experiments.chaos.planted:forgetful", fault_count=2,
    ),
    Suite(
        name="trainings killed",
        what="a training that is killed and resumed ends with the same weights",
        function="experiments.chaos.commands.resumed:run_trainings", count=10,
        fault="experiments.chaos.planted:reseeded", fault_count=2,
    ),
)  # fmt: skip


def suite_named(name: str) -> Suite:
    """The suite of a name. Raises KeyError without one."""
    return {each.name: each for each in SUITES}[name]


def _load(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)
