"""Publications in which each system call kills the process, finds no space, or meets a damaged disk."""

import time
from pathlib import Path

from experiments.chaos.publications import versions
from experiments.chaos.record import Record
from experiments.chaos.strace import CALLS, FAULTS, Injected, inject, is_usable
from temper.exit_codes import ExitCode

PROGRAM = "experiments/chaos/publications/publish.py"


def run(count: int, seed: int, scratch: Path) -> Record:
    """Inject up to `count` faults, at every point of every shape; `seed` only numbers the versions."""
    record, started = Record(), time.monotonic()
    if not is_usable():
        record.note("strace cannot be used")
        return record
    points = [(shape, call, fault) for shape in versions.SHAPES for call in CALLS for fault in FAULTS]
    number, version, open_points = 1, seed, points
    for shape in versions.SHAPES:
        (scratch / shape).mkdir(parents=True)
        versions.publish_version(scratch / shape, shape, version)
    while open_points and record.tried < count:
        # Breadth first: a small count tries the first call of every kind.
        reached = []
        for point in open_points[: count - record.tried]:
            version += 1
            if try_point(record, scratch, point, number, version):
                reached.append(point)
        open_points, number = reached, number + 1
    for shape in versions.SHAPES:
        record.lost += versions.left_after_a_minute(scratch / shape, shape, version + 1)
    record.seconds = time.monotonic() - started
    return record


def try_point(record: Record, scratch: Path, point: tuple[str, str, str], number: int, version: int) -> bool:
    """Inject one fault and count what it left; False where the program makes fewer such calls."""
    shape, call, fault = point
    folder = scratch / shape
    before = versions.version_at(folder, shape)
    ended = inject([PROGRAM, shape, str(folder), str(version)], call, fault, number, scratch)
    after = versions.version_at(folder, shape)
    if not ended.was_reached:
        return False
    torn = versions.torn_files(folder, shape, (before or 0, version))
    is_whole = after is not None and after in (before, version) and not torn
    record.add(outcome_of(ended, is_whole, is_new=after == version))
    record.note(fault)
    if not is_whole:
        versions.publish_version(folder, shape, version)
    return True


def outcome_of(ended: Injected, is_whole: bool, is_new: bool) -> str:
    """The name of a field of the record."""
    if not is_whole:
        return "lost"
    if ended.code is None:
        return "hang"
    if ended.shows_bug:
        return "traceback"
    if ended.code == ExitCode.OK:
        # A fault without consequence, or a publication that seems complete and is not.
        return "ok" if is_new else "silent"
    return "refused" if ended.code > 0 else "ok"
