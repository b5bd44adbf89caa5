"""Publications that are killed: before each change of the file system, and at random moments."""

import random
import time
from pathlib import Path

from experiments.chaos.forked import killed_after, killed_before_change, random_seconds
from experiments.chaos.publications import versions
from experiments.chaos.record import Record


def run(count: int, seed: int, scratch: Path) -> Record:
    """Kill `count` publications, every second one at a random moment, and read what is there after each.

    The next publication of the same artifact meets what the killed one has left.
    """
    record, generator, started = Record(), random.Random(seed), time.monotonic()
    folders = {shape: scratch / shape for shape in versions.SHAPES}
    for shape, folder in folders.items():
        folder.mkdir(parents=True)
        versions.publish_version(folder, shape, 0)
    current, points = dict.fromkeys(folders, 0), dict.fromkeys(folders, 0)
    while record.tried < count:
        shape = generator.choice(list(folders))
        new = current[shape] + 1
        if generator.random() < 0.5:
            killed = _kill_at_point(folders[shape], shape, new, points)
        else:
            killed = _kill_at_moment(folders[shape], shape, new, generator)
        record.note("killed", killed)
        current[shape] = _check(record, folders[shape], shape, (current[shape], new))
    for shape, folder in folders.items():
        record.note("left", versions.left_after_a_minute(folder, shape, current[shape] + 1))
    record.lost += record.more["left"]
    record.seconds = time.monotonic() - started
    return record


def _kill_at_point(folder: Path, shape: str, new: int, points: dict[str, int]) -> bool:
    killed = killed_before_change(lambda: versions.publish_version(folder, shape, new), points[shape])
    points[shape] = points[shape] + 1 if killed else 0
    return killed


def _kill_at_moment(folder: Path, shape: str, new: int, generator: random.Random) -> bool:
    started = time.monotonic()
    versions.publish_version(folder, shape, new - 1)
    seconds = random_seconds(generator, time.monotonic() - started)
    return killed_after(lambda: versions.publish_version(folder, shape, new), seconds)


def _check(record: Record, folder: Path, shape: str, possible: tuple[int, int]) -> int:
    """Count whether a reader gets one of the two versions; returns it, after a repair where it gets none."""
    torn = versions.torn_files(folder, shape, possible)
    there = versions.version_at(folder, shape)
    if there in possible and not torn:
        record.add("ok")
        return there
    record.add("lost")
    versions.publish_version(folder, shape, max(possible))
    return max(possible)
