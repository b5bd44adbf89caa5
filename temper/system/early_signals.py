"""SIGINT and SIGTERM before a command handles them itself: one line and the exit code, at once.

Programs import it first, so it imports little: until then a signal is handled by Python, which shows a traceback.
"""

import atexit
import os
import signal

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Of a command that was stopped: how its process ends.
_exit_codes: list[int] = []


def exit_at_signals() -> None:
    """Until a Stop begins (temper.system.interrupts) and after it, end the process; also in the middle of an import."""
    # Called last, as it is the first: then Python takes its modules down, and would let a signal kill the process,
    # whose work is done.
    atexit.register(_end)
    for each in STOP_SIGNALS:
        # `nohup` and a shell's `&` ignore signals on purpose.
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, lambda number, frame: end_process(number))


def skip_shutdown(code: int) -> None:
    """Let a program that is about to exit end at once after the functions that were registered for its exit.

    TensorFlow's threads and memory took up to 3 s to be taken down, and a command that was stopped ends within 5.
    """
    _exit_codes.append(code)


def _end() -> None:
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    if _exit_codes:
        os._exit(_exit_codes[-1])


def end_process(number: int) -> None:
    """End this process with one line and the exit code of a signal; what waits in its buffers is lost."""
    try:
        # A terminal shows ^C first.
        os.write(2, b"\nstopped.\n" if os.isatty(2) else b"stopped.\n")
    except OSError:
        pass
    finally:
        os._exit(128 + number)
