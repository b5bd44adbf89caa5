"""SIGINT (Ctrl-C) and SIGTERM end a command: within seconds, also where native code runs."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from temper.system.early_signals import STOP_SIGNALS, end_process

# A command that has not ended by itself so long after the signal is ended: the limit is 5 s.
MAX_SECONDS = 3.5
# A shell, make and a terminal may send the same signal twice; a person who insists is slower.
REPEAT_SECONDS = 0.7
POLL_SECONDS = 0.05
# Results that wait in stdout's buffer; a pipe that nobody reads takes none.
FLUSH_SECONDS = 0.5
Handler = Callable[[int, FrameType | None], Any]


class Stop:
    """A context manager: inside, the first signal raises KeyboardInterrupt in the main thread, a later one exits.

    number: the signal that has arrived, or 0. is_raised: whether it has raised KeyboardInterrupt. In another thread
    than the main one, nothing is changed.
    """

    current: "Stop | None" = None

    def __init__(self) -> None:
        self.number = 0
        self.is_raised = False
        self._arrived_at = 0.0
        self._ended = threading.Event()
        # An interrupt was lost in a destructor; it is raised again.
        self._is_lost = self._is_repeated = False
        self._former: dict[int, Any] = {}
        self._pid = os.getpid()

    def __enter__(self) -> "Stop":
        if threading.current_thread() is threading.main_thread():
            self._former = _install(self.handle)
            self._former_hook, sys.unraisablehook = sys.unraisablehook, self._unraisable
            self._read_end, self._write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            os.set_blocking(self._read_end, True)
            self._former_fd = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
            Stop.current = self
            threading.Thread(target=self._watch, args=(self._read_end,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if Stop.current is self:
            Stop.current = None
            signal.set_wakeup_fd(self._former_fd)
            # The thread reads the end of the pipe, and closes it.
            os.close(self._write_end)
            sys.unraisablehook = self._former_hook
            _restore(self._former)

    @property
    def exit_code(self) -> int:
        """128 and the number of the signal: 130 or 143."""
        return 128 + self.number

    def note(self, number: int) -> bool:
        """Remember a signal; False for the same one once more, such as from make and the terminal."""
        if os.getpid() != self._pid:
            # A process that was forked and has not decided yet what it does with signals.
            os._exit(128 + number)
        now = time.monotonic()
        if self.number and now - self._arrived_at < REPEAT_SECONDS:
            return False
        if self.number:
            exit_now(number)
        self.number, self._arrived_at = number, now
        return True

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The handler of both signals."""
        if self._is_repeated or self.note(number):
            self._is_repeated, self.is_raised = False, True
            raise KeyboardInterrupt

    def _unraisable(self, unraisable: Any) -> None:
        # Python prints an exception in a destructor or in a callback of native code, and goes on without it.
        if self.number and issubclass(unraisable.exc_type, KeyboardInterrupt):
            self._is_lost = True
        else:
            self._former_hook(unraisable)

    def _watch(self, signals: int) -> None:
        """End the process when the main thread does not, because native code runs or a library has caught it."""
        try:
            while received := os.read(signals, 1):
                number = received[0]
                if number in STOP_SIGNALS and getattr(signal.getsignal(number), "__func__", None) in OURS:
                    self._end_in_time(number)
        except OSError:
            return
        finally:
            os.close(signals)

    def _end_in_time(self, number: int) -> None:
        end = time.monotonic() + MAX_SECONDS
        while time.monotonic() < end:
            if self._ended.wait(POLL_SECONDS):
                return
            if self._is_lost:
                self._is_lost, self._is_repeated = False, True
                # A real signal: it also interrupts a call of the system.
                signal.pthread_kill(threading.main_thread().ident or 0, number)
        exit_now(number)


class _Request:
    """The handler of a block that ends by itself once it is asked to."""

    def __init__(self, request: Callable[[], None]) -> None:
        self._request = request
        self._is_requested = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Ask the first time, raise the second time."""
        if Stop.current and not Stop.current.note(number):
            return
        if self._is_requested:
            raise KeyboardInterrupt
        self._is_requested = True
        self._request()


# Handlers of blocks that must end within MAX_SECONDS. A server that answers what it accepted has one of its own.
OURS = (Stop.handle, _Request.handle)


def _forget_pipe() -> None:
    # A signal of a forked child is not one of its parent.
    with contextlib.suppress(ValueError):
        if Stop.current:
            signal.set_wakeup_fd(-1)


os.register_at_fork(after_in_child=_forget_pipe)


def exit_now(number: int) -> None:
    """End this process with one line. Its child processes end with it (temper.system.child_process).

    What was printed before is written, unless that takes more than FLUSH_SECONDS.
    """
    # In a thread: the main one may be inside a write, which excludes another.
    flushing = threading.Thread(target=_flush_results, daemon=True)
    flushing.start()
    flushing.join(FLUSH_SECONDS)
    end_process(number)


@contextlib.contextmanager
def requested_stop(request: Callable[[], None], has_limit: bool = True) -> Iterator[None]:
    """Inside, the first signal calls `request` and raises nothing; the second one raises KeyboardInterrupt.

    has_limit: whether a command ends after MAX_SECONDS although the block goes on. For the main thread; in another one,
    nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = _Request(request)
    former = _install(asked.handle if has_limit else lambda number, frame: asked.handle(number, frame))
    try:
        yield
    finally:
        _restore(former)


@contextlib.contextmanager
def delayed_interrupt() -> Iterator[None]:
    """Signals inside the block are handled at its end; a process that is started inside never sees them.

    In another thread than the main one, only the latter holds. The mask alone is not enough for the former: the system
    gives the signal to any other thread, and Python then interrupts the main one.
    """
    # Most commands start no process, and it takes as long to import as all else here.
    from multiprocessing import resource_tracker

    # It would be started with the first process, and then remove the signals from the mask.
    resource_tracker.ensure_running()
    arrived: list[int] = []
    is_main = threading.current_thread() is threading.main_thread()
    former = _install(lambda number, frame: arrived.append(number)) if is_main else {}
    # A process that is started inherits the mask.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _restore(former)
    for number in arrived[:1]:
        signal.raise_signal(number)


def _install(handler: Handler) -> dict[int, Any]:
    """Set the handler of both signals; returns the former ones. `nohup` and a shell's `&` ignore signals on purpose."""
    active = [each for each in STOP_SIGNALS if signal.getsignal(each) != signal.SIG_IGN]
    return {each: signal.signal(each, handler) for each in active}


def _restore(former: dict[int, Any]) -> None:
    for number, handler in former.items():
        signal.signal(number, handler)


def _flush_results() -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
