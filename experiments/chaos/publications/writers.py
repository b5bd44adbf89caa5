"""Two processes that publish the same artifact, and one that reads it meanwhile."""

import functools
import os
import random
import signal
import time
from pathlib import Path

from experiments.chaos.forked import DONE, run_forked, wait_for
from experiments.chaos.publications import versions
from experiments.chaos.record import Record
from temper.artifact import Artifact
from temper.errors import ArtifactError

# Of one writer in one try; every third try, one of the writers is killed.
PUBLICATIONS = 10
KILL_EVERY = 3
# Reads that failed, by the exit code of the reader; more are counted as so many.
MAX_FAILED = 100
MAX_SECONDS = 60.0


def run(count: int, seed: int, scratch: Path) -> Record:
    """Publish about `count` versions from two processes at once."""
    record, generator, started = Record(), random.Random(seed), time.monotonic()
    for number in range(max(1, count // (2 * PUBLICATIONS))):
        shape = list(versions.SHAPES)[number % len(versions.SHAPES)]
        folder = scratch / str(number)
        folder.mkdir(parents=True)
        versions.publish_version(folder, shape, 0)
        delay = generator.uniform(0, 0.1) if number % KILL_EVERY == 0 else None
        _write_twice(record, folder, shape, delay)
    record.seconds = time.monotonic() - started
    return record


def _write_twice(record: Record, folder: Path, shape: str, kill_after: float | None) -> None:
    ranges = (range(1, PUBLICATIONS + 1), range(PUBLICATIONS + 1, 2 * PUBLICATIONS + 1))
    writers = [run_forked(functools.partial(_publish_all, folder, shape, each)) for each in ranges]
    reader = run_forked(lambda: _read_until_stopped(folder, shape))
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(writers[0], signal.SIGKILL)
    codes = [wait_for(each) for each in writers]
    os.kill(reader, signal.SIGTERM)
    failed_reads = wait_for(reader)
    there = versions.version_at(folder, shape)
    last = {each[-1] for each, code in zip(ranges, codes, strict=True) if code == DONE}
    is_whole = there is not None and (there in last or kill_after is not None)
    for code in codes:
        killed = code == -signal.SIGKILL and kill_after is not None
        record.add("ok" if is_whole and (code == DONE or killed) else "lost")
    record.note("publications", 2 * PUBLICATIONS)
    record.note("failed reads", max(0, failed_reads))
    record.wrong += max(0, failed_reads)
    record.lost += versions.left_after_a_minute(folder, shape, 2 * PUBLICATIONS + 1)


def _publish_all(folder: Path, shape: str, numbers: range) -> None:
    for number in numbers:
        versions.publish_version(folder, shape, number)


def _read_until_stopped(folder: Path, shape: str) -> None:
    failed, end = 0, time.monotonic() + MAX_SECONDS
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    while not stopped and time.monotonic() < end:
        try:
            Artifact.at(versions.target_of(folder, shape)).verified()
        except ArtifactError:
            failed += 1
    os._exit(min(failed, MAX_FAILED))
