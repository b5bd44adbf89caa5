import os
from pathlib import Path

import pytest

from experiments.chaos.forked import DONE, RAISED, killed_after, killed_before_change, run_forked, wait_for

pytestmark = pytest.mark.programs


def test_a_child_is_killed_before_the_chosen_change(tmp_path: Path) -> None:
    def work() -> None:
        for name in "abc":
            (tmp_path / name).mkdir()

    assert killed_before_change(work, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    (tmp_path / "a").rmdir()
    assert not killed_before_change(work, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


def test_a_child_is_killed_after_some_time() -> None:
    assert killed_after(lambda: os.read(os.pipe()[0], 1), 0.05)
    assert not killed_after(lambda: None, 1.0)


def test_a_child_ends_with_what_it_did(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise OSError("no space")

    assert wait_for(run_forked(lambda: None)) == DONE
    assert wait_for(run_forked(fail)) == RAISED
    assert not capfd.readouterr().err
    assert wait_for(run_forked(lambda: 1 / 0)) == RAISED
    assert "ZeroDivisionError" in capfd.readouterr().err
