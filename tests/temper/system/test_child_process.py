import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from temper.errors import UserError
from temper.system.child_process import ChildCrashed, run_in_child, run_with_progress
from tests.processes import has_ended

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
KILLED = """
import os
import time
from pathlib import Path
from temper.system.child_process import run_in_child
def hang(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)
if __name__ == "__main__":
    run_in_child(hang, {path!r})
"""


def refuse(reason: str) -> None:
    raise UserError("refused", fix=reason)


def test_the_functions_result_is_returned() -> None:
    assert run_in_child(divmod, 17, 5) == (3, 2)


def test_the_function_may_start_a_child_of_its_own() -> None:
    assert run_in_child(run_in_child, divmod, 17, 5) == (3, 2)


def test_an_error_is_raised_in_the_parent() -> None:
    with pytest.raises(UserError) as caught:
        run_in_child(refuse, "because")
    assert (caught.value.what, caught.value.fix) == ("refused", "because")


def test_a_segmentation_fault_raises_child_crashed() -> None:
    with pytest.raises(ChildCrashed, match="SIGSEGV"):
        run_in_child(_fault)


def _fault() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def test_an_exit_raises_child_crashed() -> None:
    with pytest.raises(ChildCrashed, match="exit code 7"):
        run_in_child(os._exit, 7)


def test_progress_is_called_with_the_seconds() -> None:
    seconds: list[float] = []
    run_with_progress(seconds.append, time.sleep, 0.5)
    assert seconds and seconds == sorted(seconds)


def test_ctrl_c_kills_the_child_at_once(tmp_path: Path) -> None:
    script, started = tmp_path / "stopped.py", tmp_path / "started"
    script.write_text(STOPPED.format(path=str(started)))
    root = Path(__file__).parents[3]
    parent = subprocess.Popen(
        [sys.executable, script], env={**os.environ, "PYTHONPATH": str(root)}, stderr=subprocess.PIPE
    )
    while not started.exists():
        time.sleep(0.05)
    stopped = time.monotonic()
    parent.send_signal(signal.SIGINT)
    _, errors = parent.communicate(timeout=20)
    assert time.monotonic() - stopped < 5
    assert b"KeyboardInterrupt" in errors


@pytest.mark.programs
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script, started = tmp_path / "killed.py", tmp_path / "started"
    script.write_text(KILLED.format(path=str(started)))
    parent = subprocess.Popen(
        [sys.executable, script], env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    )
    while not (started.exists() and started.read_text()):
        time.sleep(0.02)
    child = int(started.read_text())
    parent.kill()
    parent.wait()
    assert has_ended(child)
