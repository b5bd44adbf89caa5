import os
import signal
import subprocess
import sys

import pytest

from temper.exit_codes import ExitCode
from tests.source import ROOT

PROGRAM = """
import os, signal
from temper.system.early_signals import exit_at_signals
exit_at_signals()
os.kill(os.getpid(), signal.{name})
print("still here")
"""
# Imported for more than the few milliseconds of Python's own start, or only by what starts processes.
HEAVY = ("typing", "socket", "pathlib", "re", "multiprocessing", "threading", "contextlib")


def run(code: str, **options: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize(("name", "code"), [("SIGINT", ExitCode.INTERRUPTED), ("SIGTERM", ExitCode.TERMINATED)])
def test_a_signal_ends_the_program_with_one_line(name: str, code: int) -> None:
    ended = run(PROGRAM.format(name=name))
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "", "stopped.\n")


def test_signals_that_a_shell_ignores_are_ignored() -> None:
    ended = run(PROGRAM.format(name="SIGINT"), preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    assert (ended.returncode, ended.stdout) == (0, "still here\n")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_command_that_has_ended_keeps_its_exit_code(name: str) -> None:
    """The object is removed when Python takes the modules down, after its own handlers of signals."""
    code = PROGRAM.replace("os.kill", "class Last:\n    def __del__(self): os.kill").replace(
        "print", "last = Last()\nprint"
    )
    ended = run(code.format(name=name))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "still here\n", "")


def test_a_signal_while_threads_are_waited_for_ends_the_program() -> None:
    waiting = "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()\n"
    late = "threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"
    code = PROGRAM.replace("os.kill(os.getpid(), signal.{name})\n", waiting + late)
    ended = run(code)
    assert (ended.returncode, ended.stderr) == (ExitCode.TERMINATED, "stopped.\n")


def test_a_stopped_program_ends_after_its_exit_functions_and_before_python_takes_modules_down() -> None:
    code = """
import atexit, sys, time
from temper.system.early_signals import exit_at_signals, skip_shutdown
exit_at_signals()
class Slow:
    def __del__(self): time.sleep(30)
slow = Slow()
atexit.register(print, "exit function", flush=True)
skip_shutdown(143)
sys.exit(143)
"""
    ended = run(code, timeout=20)
    assert (ended.returncode, ended.stdout, ended.stderr) == (143, "exit function\n", "")


def test_a_closed_stderr_does_not_change_the_exit_code() -> None:
    ended = run(PROGRAM.format(name="SIGTERM"), preexec_fn=lambda: os.close(2))
    assert (ended.returncode, ended.stdout) == (ExitCode.TERMINATED, "")


def test_little_is_imported_before() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import temper.system.early_signals; "
        f"print([each for each in {HEAVY} if each in sys.modules])"
    )
    # Isolated and without site, which imports some of them in some environments.
    ended = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert ended.stdout == "[]\n"
