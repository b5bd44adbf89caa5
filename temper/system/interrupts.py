"""Ctrl-C at a moment at which it would leave a process half started."""

import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def delayed_interrupt() -> Iterator[None]:
    """Ctrl-C inside the block raises KeyboardInterrupt at its end; a process that is started inside never sees it.

    For the main thread. The mask alone is not enough: the system gives the signal to any other thread, and Python then
    interrupts the main one.
    """
    arrived: list[int] = []
    former = signal.signal(signal.SIGINT, lambda number, frame: arrived.append(number))
    # A process that is started inherits the mask.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, former)
    if arrived:
        raise KeyboardInterrupt
