import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from temper.storage.lock import lock_folder


def test_a_locked_folder_cannot_be_locked_again_until_it_is_released(tmp_path: Path) -> None:
    with lock_folder(tmp_path) as first:
        assert first
        with lock_folder(tmp_path, wait=False) as second:
            assert not second
    with lock_folder(tmp_path, wait=False) as third:
        assert third
    assert not list(tmp_path.iterdir())


def _hold(folder: Path) -> None:
    with lock_folder(folder):
        (folder / "locked").touch()
        time.sleep(60)


@pytest.mark.programs
def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_hold, args=(tmp_path,))
    process.start()
    while not (tmp_path / "locked").exists():
        time.sleep(0.01)
    with lock_folder(tmp_path, wait=False) as is_locked:
        assert not is_locked
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with lock_folder(tmp_path, wait=False) as is_locked:
        assert is_locked


def test_without_locks_the_block_runs_and_knows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with lock_folder(tmp_path) as is_locked:
        assert not is_locked


def test_a_folder_that_does_not_exist_is_not_locked(tmp_path: Path) -> None:
    with lock_folder(tmp_path / "none") as is_locked:
        assert not is_locked


def test_a_pipe_in_place_of_a_folder_is_not_locked_and_blocks_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with lock_folder(tmp_path / "pipe") as is_locked:
        assert not is_locked
