"""What every command does around its work: an error becomes one message and an exit code."""

import argparse
import contextlib
import errno
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TextIO

from temper.cli.console import LOGGER, configure_logging, print_json_error, wants_json
from temper.errors import UserError
from temper.escaping import visible
from temper.exit_codes import ExitCode
from temper.system.early_signals import skip_shutdown
from temper.system.interrupts import Stop, exit_now

# Causes outside the program, by what helps against them.
ADVICE = {
    "Free space, or name another path": (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    "Check the permissions, or name another path": (errno.EACCES, errno.EPERM, errno.EROFS),
    "Name another path": (
        errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.ENXIO,
    ),
    "Check the disk": (errno.EIO, errno.ESTALE),
    "Close other programs": (errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN),
}  # fmt: skip
ADVICE_OF = {number: advice for advice, numbers in ADVICE.items() for number in numbers}
# There, a file that cannot be made is one that does not exist.
NO_FILES = ("/proc/", "/sys/")
BUG = "this is a bug in Temper"
REPORT = "Please report it with the lines above, the command, and the output of `doctor`."
Parse = Callable[[], argparse.Namespace]
Run = Callable[[argparse.Namespace], int]


def run_command(parse: Parse, run: Run, writes_artifacts: bool = True) -> NoReturn:
    """Parse the command line, run the command and exit with its code (temper.exit_codes). A bug shows its traceback.

    writes_artifacts: whether a message says, when the command is stopped, that no artifact is half old and half new.
    A command that writes none ends without Python's shutdown: nothing needs it then.
    """
    _open_closed_streams()
    stop = Stop()
    try:
        with stop:
            # TensorFlow prints ten lines of INFO to stderr on import; whoever wants them sets the variable.
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
            os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
            if isinstance(sys.stdout, io.TextIOWrapper):
                # A file name or a label that the terminal's encoding lacks is shown as `\xe9`, and is no error.
                sys.stdout.reconfigure(errors="backslashreplace")
            command = _Command(stop, "Every artifact is complete, the old or the new one. " if writes_artifacts else "")
            code = command.finish(command.run(parse, run))
    except KeyboardInterrupt:
        # The signal arrived when the command had ended, and its last lines were being written.
        exit_now(stop.number or signal.SIGINT)
    if not writes_artifacts or (stop.number and code == stop.exit_code):
        skip_shutdown(code)
    sys.exit(code)


def _open_closed_streams() -> None:
    """Discard what is written to a stream that the shell has closed (`>&-`), and read nothing from stdin (`<&-`).

    The next file that is opened would get its number, and then what native libraries print.
    """
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open(mode)  # noqa: SIM115 - as long as the process
            os.dup2(nowhere.fileno(), number)
            setattr(sys, name, nowhere)


class _Command:
    """One run. promise: what a message says of existing artifacts."""

    def __init__(self, stop: Stop, promise: str) -> None:
        self._stop = stop
        self._promise = promise
        self._is_json = wants_json()
        self._details: dict[str, object] = {}

    def run(self, parse: Parse, run: Run) -> int:
        try:
            options = parse()
            self._is_json = bool(getattr(options, "json", False))
            configure_logging(options)
            code = int(run(options))
            sys.stdout.flush()
        except SystemExit as end:
            # --help, --version, and errors of argparse, which has printed them.
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException as error:
            # Native code may turn an interrupt into another error.
            return self._report_stop() if self._is_stopped(error) else self._report_error(error)
        if self._stop.is_raised:
            # A library has caught it.
            return self._report_stop()
        return self._stop.exit_code if self._stop.number else code

    def finish(self, code: int) -> int:
        """Write what is left in the streams: Python would print a traceback at the end, and exit with 120."""
        try:
            sys.stdout.flush()
        except OSError as error:
            code = self._report_error(error)
        with contextlib.suppress(OSError):
            sys.stderr.flush()
            return code
        _discard(sys.stderr)
        return code

    def _is_stopped(self, error: BaseException) -> bool:
        return isinstance(error, KeyboardInterrupt) or bool(self._stop.number)

    def _report_stop(self) -> int:
        code = self._stop.exit_code if self._stop.number else ExitCode.INTERRUPTED
        # A terminal shows ^C first.
        line = f"{chr(10) * sys.stderr.isatty()}stopped. {self._promise}".rstrip(" ")
        return self._report("stopped", self._promise.rstrip(), code, line)

    def _report_error(self, error: BaseException) -> int:
        if isinstance(error, UserError):
            if cause := error.__cause__ or error.__context__:
                LOGGER.debug("cause: %r", cause)
            self._details = error.details
            return self._report(error.what, error.fix, error.exit_code)
        if isinstance(error, BrokenPipeError):
            # The reader (`head`, for example) is gone: nothing more can be written.
            _discard(sys.stdout)
            return ExitCode.SOME_FAILED
        if isinstance(error, MemoryError):
            advice = "Use smaller batches or images, or close other programs."
            return self._report("out of memory", self._promise + advice, ExitCode.RESOURCES)
        if isinstance(error, OSError) and (error.errno in ADVICE_OF or str(error.filename).startswith(NO_FILES)):
            what = f"{error.strerror} ({error.filename})" if error.filename else str(error.strerror)
            advice = f"{ADVICE_OF.get(error.errno or 0, 'Name another path')}, then run the same command again."
            return self._report(what, self._promise + advice, ExitCode.RESOURCES)
        with contextlib.suppress(OSError):
            traceback.print_exception(error)
        return self._report(BUG, REPORT, ExitCode.BUG)

    def _report(self, what: str, fix: str, code: int, line: str = "") -> int:
        """Print what happened to stderr, after all results; with --json, also as the last object on stdout."""
        try:
            sys.stdout.flush()
            if self._is_json:
                print_json_error(what, fix, code, self._details)
        except OSError:
            # The output is what failed: on a full disk the error is still shown.
            _discard(sys.stdout)
        # Nobody reads stderr, or it is what is full.
        with contextlib.suppress(OSError):
            # A path in the message may hold codes that a terminal obeys.
            print(visible(line or f"error: {f'{what}. {fix}' if fix else what}", allowed="\n"), file=sys.stderr)
        return code


def _discard(stream: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
