"""SIGINT and SIGTERM before a command handles them itself: one line and the exit code, at once.

Programs import it first, so it imports little: until then a signal is handled by Python, which shows a traceback.
"""

import atexit
import os
import signal

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def exit_at_signals() -> None:
    """Until a Stop begins (temper.system.interrupts) and after it, end the process; also in the middle of an import."""
    # Called last, as it is the first: then Python takes its modules down, and would let a signal kill the process,
    # whose work is done.
    atexit.register(_ignore_signals)
    for each in STOP_SIGNALS:
        # `nohup` and a shell's `&` ignore signals on purpose.
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, lambda number, frame: end_process(number))


def _ignore_signals() -> None:
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)


def end_process(number: int) -> None:
    """End this process with one line and the exit code of a signal; what waits in its buffers is lost."""
    try:
        # A terminal shows ^C first.
        os.write(2, b"\nstopped.\n" if os.isatty(2) else b"stopped.\n")
    except OSError:
        pass
    finally:
        os._exit(128 + number)
