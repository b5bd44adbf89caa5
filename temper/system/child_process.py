"""Work that may crash or be stopped, in a process of its own: a segmentation fault there is an error here."""

import ctypes
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

from temper.system.early_signals import STOP_SIGNALS
from temper.system.interrupts import delayed_interrupt

POLL_SECONDS = 0.2
PR_SET_PDEATHSIG = 1
P = ParamSpec("P")
T = TypeVar("T")


class ChildCrashed(Exception):
    """The process ended without a result; the text names the signal or the exit code."""


def run_in_child(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a module's function in a new process and return its result, or raise its exception.

    Raises ChildCrashed when the process dies. Ctrl-C kills it at once, also inside native code.
    """
    return run_with_progress(lambda seconds: None, function, *arguments, **named)


def run_with_progress(
    on_progress: Callable[[float], None], function: Callable[P, T], *arguments: P.args, **named: P.kwargs
) -> T:
    """Like `run_in_child`, with `on_progress(seconds since the start)` called several times a second."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    # No daemon: the function may start processes of its own. They end with this one (end_with_parent).
    process = context.Process(target=_send_result, args=(sender, os.getpid(), function, arguments, named))
    started = time.monotonic()
    try:
        with delayed_interrupt():
            process.start()
        sender.close()
        while not receiver.poll(POLL_SECONDS):
            on_progress(time.monotonic() - started)
        result, error, trace = receiver.recv()
    except EOFError:
        process.join()
        raise ChildCrashed(describe_exit(process.exitcode or 0)) from None
    finally:
        if process.pid:
            process.kill()
            process.join()
        receiver.close()
    if error is not None:
        raise error from RuntimeError(f"in the child process:\n{trace}")
    returned: T = result
    return returned


def describe_exit(exit_code: int) -> str:
    """How a process ended: "SIGSEGV" or "exit code 7"."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    names = {each.value: each.name for each in signal.Signals}
    return names.get(-exit_code, f"signal {-exit_code}")


def end_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends, however it ends. parent: the parent's number."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def leave_signals_to_parent(parent: int) -> None:
    """Begin a child process: the terminal sends Ctrl-C to all processes, and the parent decides when this one ends."""
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    end_with_parent(parent)


def _send_result(
    sender: Connection,
    parent: int,
    function: Callable[..., object],
    arguments: tuple[Any, ...],
    named: Mapping[str, Any],
) -> None:
    # The terminal sends Ctrl-C to parent and child; the default action also ends a build inside C++.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    end_with_parent(parent)
    try:
        sender.send((function(*arguments, **named), None, ""))
    except Exception as error:
        sender.send((None, error, traceback.format_exc()))
