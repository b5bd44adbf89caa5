"""Work that may crash or be stopped, in a process of its own: a segmentation fault there is an error here."""

import multiprocessing
import signal
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

TICK_SECONDS = 0.2
P = ParamSpec("P")
T = TypeVar("T")


class ChildCrashed(Exception):
    """The process died; its text names the signal or the exit code."""


def run_in_child(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a module's function in a fresh process and return what it returns, or raise what it raises.

    Raises ChildCrashed when the process dies. Ctrl-C kills it at once, also in the midst of native code.
    """
    return run_with_progress(lambda seconds: None, function, *arguments, **named)


def run_with_progress(
    tick: Callable[[float], None], function: Callable[P, T], *arguments: P.args, **named: P.kwargs
) -> T:
    """The same, with `tick(seconds since the start)` called several times a second."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, function, arguments, named), daemon=True)
    started = time.monotonic()
    process.start()
    sender.close()
    try:
        while not receiver.poll(TICK_SECONDS):
            tick(time.monotonic() - started)
        answer, error, trace = receiver.recv()
    except EOFError:
        process.join()
        raise ChildCrashed(_cause(process.exitcode or 0)) from None
    finally:
        process.kill()
        process.join()
        receiver.close()
    if error is not None:
        raise error from RuntimeError(f"in the child process:\n{trace}")
    returned: T = answer
    return returned


def _answer(sender: Connection, function: Callable[..., object], arguments: Any, named: Any) -> None:
    # The terminal sends Ctrl-C to parent and child; the default action ends even a build inside C++.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        sender.send((function(*arguments, **named), None, ""))
    except Exception as error:
        sender.send((None, error, traceback.format_exc()))


def _cause(exit_code: int) -> str:
    if exit_code >= 0:
        return f"exit code {exit_code}"
    known = {each.value: each.name for each in signal.Signals}
    return known.get(-exit_code, f"signal {-exit_code}")
