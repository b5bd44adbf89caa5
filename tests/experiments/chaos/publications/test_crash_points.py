from pathlib import Path

import pytest

from experiments.chaos import planted
from experiments.chaos.publications import crash_points, versions
from experiments.chaos.record import Record
from experiments.chaos.strace import KILL, NO_SPACE, Injected, is_usable

pytestmark = pytest.mark.programs
needs_strace = pytest.mark.skipif(not is_usable(), reason="strace cannot trace processes here")
TRACEBACK = "Traceback (most recent call last):\n"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "companions").mkdir()
    versions.publish_version(tmp_path / "companions", "companions", 1)
    return tmp_path


@needs_strace
@pytest.mark.parametrize(("fault", "outcome"), [(KILL, "ok"), (NO_SPACE, "refused")])
def test_a_rename_that_fails_leaves_the_old_or_the_new_artifact(scratch: Path, fault: str, outcome: str) -> None:
    record = Record()
    assert crash_points.try_point(record, scratch, ("companions", "rename", fault), 3, 2)
    assert (getattr(record, outcome), record.failures) == (1, 0)


@needs_strace
def test_files_that_move_one_by_one_are_noticed(scratch: Path) -> None:
    record = Record()
    with planted.one_by_one():
        assert crash_points.try_point(record, scratch, ("companions", "rename", KILL), 3, 2)
    assert record.lost == 1


@needs_strace
@pytest.mark.slow
def test_every_call_of_every_kind_may_fail(tmp_path: Path) -> None:
    record = crash_points.run(600, 0, tmp_path)
    assert record.tried > 100
    assert not record.failures


@pytest.mark.parametrize(
    ("code", "stderr", "is_whole", "is_new", "outcome"),
    [
        (0, "", True, True, "ok"),
        (0, "", True, False, "silent"),
        (-9, "", True, False, "ok"),
        (6, "error: no space", True, False, "refused"),
        (70, "", True, False, "traceback"),
        (1, TRACEBACK, True, True, "traceback"),
        (None, "", True, True, "hang"),
        (-9, "", False, False, "lost"),
    ],
)
def test_an_outcome_is_named(code: int | None, stderr: str, is_whole: bool, is_new: bool, outcome: str) -> None:
    ended = Injected(was_reached=True, code=code, stderr=stderr)
    assert crash_points.outcome_of(ended, is_whole, is_new) == outcome
