import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from temper.exit_codes import ExitCode
from temper.system.interrupts import MAX_SECONDS, Stop, delayed_interrupt, requested_stop
from tests.source import ROOT

COMMAND = """
import argparse, ctypes, signal, sys, threading, time
from temper.cli.entry_point import run_command
from temper.system.early_signals import exit_at_signals
from temper.system.interrupts import requested_stop
# A test runner in the background ignores the signal, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
exit_at_signals()
def started():
    print("started", flush=True)
def run(options):
{body}
    print("went on")
    return 0
{before}
run_command(argparse.Namespace, run, writes_artifacts=False)
"""
# Native code that no signal interrupts: a lock that its own thread holds. Like a runtime, it does not hold the GIL.
NATIVE = """
lock, mutex = ctypes.CDLL(None).pthread_mutex_lock, ctypes.create_string_buffer(64)
lock(mutex)
threading.Timer(0.3, started).start()
lock(mutex)
"""
LOST = """
class Lost:
    def __del__(self):
        started()
        time.sleep(60)
Lost()
time.sleep(60)
"""
CAUGHT = """
try:
    started()
    time.sleep(60)
except BaseException:
    time.sleep(60)
"""
CHANGED = """
try:
    started()
    time.sleep(60)
except BaseException:
    raise ImportError("a library's own") from None
"""
STOPS = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}


def interrupted(number: signal.Signals, body: str, before: str = "", times: int = 1) -> tuple[int, str, str, float]:
    """Exit code, stdout, stderr and seconds of a command that gets a signal once it has started."""
    code = COMMAND.format(body=textwrap.indent(body, "    "), before=before)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        begun = time.monotonic()
        for _ in range(times):
            process.send_signal(number)
            time.sleep(0.8 * (times > 1))
        rest, errors = process.stdout.read(), process.stderr.read()
    return process.returncode, rest, errors, time.monotonic() - begun


@pytest.mark.programs
@pytest.mark.parametrize(("number", "code"), STOPS.items(), ids=lambda each: each.name)
@pytest.mark.parametrize(
    ("body", "before"),
    [("started()\ntime.sleep(60)", ""), ("", "started()\ntime.sleep(60)"), (LOST, ""), (CHANGED, "")],
    ids=["in the command", "before it, in an import", "lost in a destructor", "turned into another error"],
)
def test_a_signal_ends_a_command_at_once_with_one_line(
    number: signal.Signals, code: ExitCode, body: str, before: str
) -> None:
    returned, rest, errors, seconds = interrupted(number, body, before)
    assert (returned, rest, errors) == (code, "", "stopped.\n")
    assert seconds < MAX_SECONDS / 2


@pytest.mark.programs
@pytest.mark.parametrize("body", [NATIVE, CAUGHT], ids=["native code", "a library that catches everything"])
def test_a_command_that_does_not_end_by_itself_is_ended_in_time(body: str) -> None:
    returned, rest, errors, seconds = interrupted(signal.SIGTERM, body)
    assert (returned, rest, errors) == (ExitCode.TERMINATED, "", "stopped.\n")
    # Twice the limit: other work on the machine delays everything.
    assert MAX_SECONDS - 0.2 < seconds < 2 * MAX_SECONDS


@pytest.mark.programs
def test_results_that_were_printed_are_written_although_native_code_runs() -> None:
    body = "print('a result')\n" + NATIVE.replace("started)", "lambda: sys.stderr.write('started\\n'))")
    code = COMMAND.format(body=textwrap.indent(body, "    "), before="")
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert (process.stdout.read(), process.stderr.read()) == ("a result\n", "stopped.\n")


@pytest.mark.programs
def test_a_person_who_insists_does_not_wait() -> None:
    returned, _, errors, seconds = interrupted(signal.SIGINT, CAUGHT, times=2)
    assert (returned, errors) == (ExitCode.INTERRUPTED, "stopped.\n")
    assert seconds < MAX_SECONDS / 2


def test_the_first_signal_is_a_request_and_the_second_an_interrupt() -> None:
    asked: list[str] = []
    with pytest.raises(KeyboardInterrupt), requested_stop(lambda: asked.append("asked")):
        signal.raise_signal(signal.SIGTERM)
        assert asked == ["asked"]
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_outside_of_a_command_signals_are_what_they_were() -> None:
    before = [signal.getsignal(each) for each in STOPS]
    with Stop() as stop:
        assert signal.getsignal(signal.SIGTERM) == stop.handle
    assert [signal.getsignal(each) for each in STOPS] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_ctrl_c_is_raised_at_the_end_of_the_block_also_when_another_thread_receives_it() -> None:
    done, ended = [], threading.Event()
    other = threading.Thread(target=ended.wait)
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt), delayed_interrupt():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            done.append("inside")
    finally:
        ended.set()
        other.join()
    assert done == ["inside"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_process_that_is_started_inside_does_not_see_it() -> None:
    code = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    with delayed_interrupt():
        started = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert started.stdout == "True\n"
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
