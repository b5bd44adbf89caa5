from pathlib import Path

import pytest

from experiments.chaos.strace import IO_ERROR, KILL, NO_SPACE, inject, is_usable

pytestmark = [pytest.mark.programs, pytest.mark.skipif(not is_usable(), reason="strace cannot trace processes here")]
WRITES = "import os, sys; os.mkdir(sys.argv[1])"


@pytest.mark.parametrize(("fault", "code"), [(KILL, -9), (NO_SPACE, 1), (IO_ERROR, 1)])
def test_a_system_call_fails_or_ends_the_process(tmp_path: Path, fault: str, code: int) -> None:
    ended = inject(["-c", WRITES, str(tmp_path / "made")], "mkdir", fault, 1, tmp_path)
    assert (ended.was_reached, ended.code) == (True, code)


def test_a_call_that_does_not_happen_changes_nothing(tmp_path: Path) -> None:
    ended = inject(["-c", WRITES, str(tmp_path / "made")], "mkdir", NO_SPACE, 2, tmp_path)
    assert (ended.was_reached, ended.code) == (False, 0)
    assert (tmp_path / "made").is_dir()
