import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from temper.errors import UserError
from temper.system.child_process import ChildCrashed, run_in_child, run_with_progress

# A shell without job control starts what follows `&` with SIGINT ignored.
STOPPED = """
import signal
import time
from pathlib import Path
from temper.system.child_process import run_in_child
def hang(path):
    Path(path).write_text("started")
    time.sleep(60)
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run_in_child(hang, {path!r})
"""


def refuse(reason: str) -> None:
    raise UserError(reason)


def test_it_returns_what_the_function_returns() -> None:
    assert run_in_child(divmod, 17, 5) == (3, 2)


def test_an_error_comes_back_as_itself() -> None:
    with pytest.raises(UserError, match="because"):
        run_in_child(refuse, "because")


def test_a_segmentation_fault_is_an_error() -> None:
    with pytest.raises(ChildCrashed, match="SIGSEGV"):
        run_in_child(_fault)


def _fault() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def test_an_exit_is_an_error() -> None:
    with pytest.raises(ChildCrashed, match="exit code 7"):
        run_in_child(os._exit, 7)


def test_the_clock_is_told_the_seconds() -> None:
    told: list[float] = []
    run_with_progress(told.append, time.sleep, 0.5)
    assert told and told == sorted(told)


def test_ctrl_c_ends_the_child_at_once(tmp_path: Path) -> None:
    script, started = tmp_path / "stopped.py", tmp_path / "started"
    script.write_text(STOPPED.format(path=str(started)))
    root = Path(__file__).parents[3]
    parent = subprocess.Popen(
        [sys.executable, script], env={**os.environ, "PYTHONPATH": str(root)}, stderr=subprocess.PIPE
    )
    while not started.exists():
        time.sleep(0.05)
    asked = time.monotonic()
    parent.send_signal(signal.SIGINT)
    _, errors = parent.communicate(timeout=20)
    assert time.monotonic() - asked < 5
    assert b"KeyboardInterrupt" in errors
