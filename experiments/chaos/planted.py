"""Faults that are planted to show that a suite would notice them; a child process inherits the chosen one."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

from experiments.support import ROOT
from temper.storage.atomic import scratch_beside
from temper.storage.publish import publish

VARIABLE = "TEMPER_CHAOS_FAULT"
IN_PLACE, ONE_BY_ONE, COPIED, FORGETFUL = "in place", "one by one", "copied", "forgetful"
UNEXPLAINED, UNREFUSED, UNDECODED = "unexplained", "unrefused", "undecoded"
CONCEALED, REACHING = "concealed", "reaching"
WRAPPER = ("-m", "experiments.chaos.faulty")


def fault() -> str:
    """The fault that is planted in this process; "" for none."""
    return os.environ.get(VARIABLE, "")


def program(words: Sequence[str]) -> list[str]:
    """What follows `python` to start a program of the project, with the fault where one is planted."""
    return [*WRAPPER, *words] if fault() else list(words)


@contextlib.contextmanager
def published(target: Path) -> Iterator[Path]:
    """Yield a folder to write to, and publish what it contains at the end; with a fault where one is planted."""
    if fault() == IN_PLACE:
        yield target.parent
        return
    with scratch_beside(target) as scratch:
        yield scratch
        (move_one_by_one if fault() == ONE_BY_ONE else publish)(scratch, target)


@contextlib.contextmanager
def planted(name: str) -> Iterator[None]:
    """Plant a fault in this process and in all that it starts."""
    with mock.patch.dict(os.environ, {VARIABLE: name}):
        yield


def in_place() -> contextlib.AbstractContextManager[None]:
    """Plant a publication that writes over the old files."""
    return planted(IN_PLACE)


def one_by_one() -> contextlib.AbstractContextManager[None]:
    """Plant a publication whose files move one by one, without a journal and a lock."""
    return planted(ONE_BY_ONE)


def copied() -> contextlib.AbstractContextManager[None]:
    """Plant a publication that copies its files over the old ones, in programs."""
    return planted(COPIED)


@contextlib.contextmanager
def forgetful() -> Iterator[None]:
    """Plant a job that does not know which rows it has written before."""

    def start(artifact: Path, source: Path, out: Path) -> "subprocess.Popen[bytes]":
        words = program(["infer/run.py", "--engine", str(artifact), str(source), "--out", str(out)])
        return subprocess.Popen([sys.executable, *words], cwd=ROOT, stderr=subprocess.DEVNULL)

    with planted(FORGETFUL), mock.patch("experiments.folders.jobs.start_job", start):
        yield


@contextlib.contextmanager
def reseeded() -> Iterator[None]:
    """Plant a training that goes on with another seed after a kill."""
    from experiments import killed_training

    original = killed_training.start_training

    def start(data: Path, out: Path, epochs: int, *more: str) -> "subprocess.Popen[str]":
        return original(data, out, epochs, *more, *(["--seed", "4"] if "--resume" in more else []))

    with mock.patch("experiments.killed_training.start_training", start):
        yield


def move_one_by_one(scratch: Path, target: Path) -> None:
    """Publish without a journal and a lock."""
    for source in sorted(scratch.iterdir()):
        place = target.parent / source.name
        if place.is_dir():
            shutil.rmtree(place)
        source.replace(place)
