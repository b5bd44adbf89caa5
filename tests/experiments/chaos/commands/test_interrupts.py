import signal
from pathlib import Path

import pytest

from experiments.chaos import guards
from experiments.chaos.commands import interrupts
from experiments.chaos.commands.interrupts import interrupt
from experiments.chaos.commands.workspace import Workspace

pytestmark = pytest.mark.programs
IGNORES = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0 if {quiet} else 9))
time.sleep(20)
"""
LEAVES = """
import subprocess, sys
subprocess.Popen(["sleep", "60"])
from temper.system.early_signals import exit_at_signals
exit_at_signals()
import time
time.sleep(20)
"""
COMPUTES = "while True: pass"
# It has its handler in less CPU time than a start may take.
FAILS = """
import signal, time
def fail(number, frame):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, fail)
time.sleep(20)
"""


def test_interrupted_commands_stop_and_work_again(tmp_path: Path) -> None:
    counts = interrupts.run(2, 0, tmp_path, ["classify --json"])
    assert (counts["tried"], counts["examples"]) == (2, [])


@pytest.mark.slow
def test_every_interrupted_command_stops_and_works_again(tmp_path: Path) -> None:
    assert interrupts.run(1, 0, tmp_path)["examples"] == []


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (IGNORES.format(quiet=False), "silent: exit code 9"),
        (LEAVES, "silent: a process is left"),
        (COMPUTES, "crash: SIGTERM"),
        (FAILS, "traceback"),
    ],
    ids=["exit code", "process", "no handler", "a traceback of its own"],
)
def test_what_must_not_happen_is_seen(code: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(interrupts, "CLOSING_SECONDS", 0.3)
    # A busy machine gives this much within the second before the signal.
    monkeypatch.setattr(interrupts, "START_CPU_SECONDS", 0.1)
    workspace = Workspace(folder=tmp_path)
    assert interrupt(workspace, "", [sys.executable, "-c", code], signal.SIGTERM, 1.0).problem == problem


def test_a_signal_before_the_first_line_of_a_program_is_counted_apart(tmp_path: Path) -> None:
    import sys

    words = [sys.executable, "-I", "-S", "-c", "import time\ntime.sleep(9)"]
    ended = interrupt(Workspace(folder=tmp_path), "", words, signal.SIGINT, 0.3)
    assert ended.problem == "before_start"


@pytest.mark.slow
def test_commands_that_conceal_their_interruption_are_noticed(tmp_path: Path) -> None:
    with guards.concealed():
        assert interrupts.run(3, 0, tmp_path)["silent"]
