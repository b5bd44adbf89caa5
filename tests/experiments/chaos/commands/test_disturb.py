import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.chaos import planted
from experiments.chaos.commands import disturb
from experiments.chaos.commands.scenarios import Scenario

pytestmark = pytest.mark.programs


@pytest.mark.slow
def test_draw_and_jobs_lose_nothing(tmp_path: Path) -> None:
    record = disturb.run(12, 1, tmp_path)
    assert (record.tried, record.failures) == (12, 0)


@pytest.mark.slow
def test_draw_in_place_is_noticed(tmp_path: Path) -> None:
    with planted.in_place():
        assert disturb.run(24, 0, tmp_path).lost > 0


@pytest.mark.slow
@pytest.mark.tensorflow
def test_trainings_and_conversions_lose_nothing(tmp_path: Path) -> None:
    record = disturb.run_stages(7, 1, tmp_path)
    assert (record.tried, record.failures) == (7, 0)


def test_a_command_that_ends_before_it_is_killed_keeps_its_exit_code() -> None:
    ended = disturb.kill_at(["-c", "raise SystemExit(7)"], 30.0)
    assert (ended.was_reached, ended.code) == (False, 7)


def test_a_process_that_a_killed_command_leaves_is_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disturb, "ORPHAN_SECONDS", 0.2)
    leaves = "import os, time; os.fork(); time.sleep(60)"
    assert disturb.kill_at(["-c", leaves], 1.0).code is None
    assert disturb.kill_at(["-c", "import time; time.sleep(60)"], 0.5).code == -9


def test_members_of_a_session_are_seen() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    time.sleep(0.1)
    assert list(disturb._members(process.pid)) == [process.pid]
    process.communicate()
    assert not disturb.has_orphans(process.pid)


@pytest.mark.parametrize(
    ("words", "is_whole", "is_complete", "outcome"),
    [
        (["-c", ""], True, True, "ok"),
        (["-c", ""], False, True, "lost"),
        (["-c", ""], True, False, "lost"),
        (["-c", "raise SystemExit(3)"], True, True, "lost"),
    ],
)
def test_a_scenario_must_be_whole_and_complete_after_the_second_start(
    tmp_path: Path, words: list[str], is_whole: bool, is_complete: bool, outcome: str
) -> None:
    scenario = Scenario(
        words=words, folder=tmp_path, seconds=5.0, prepare=lambda: None, is_whole=lambda: is_whole,
        is_complete=lambda: is_complete,
    )  # fmt: skip
    record = disturb.disturb([scenario], 1, 0, tmp_path)
    assert getattr(record, outcome) == 1
