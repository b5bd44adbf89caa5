"""What every command does around its work: an error becomes one message and an exit code."""

import argparse
import contextlib
import errno
import io
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from temper.cli.console import LOGGER, configure_logging
from temper.errors import UserError
from temper.exit_codes import ExitCode

# Causes outside the program, by what helps against them.
ADVICE = {
    "Free space, or name another path": (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    "Check the permissions, or name another path": (errno.EACCES, errno.EPERM, errno.EROFS),
    "Name another path": (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG),
    "Check the disk": (errno.EIO,),
    "Close other programs": (errno.ENOMEM, errno.EMFILE, errno.ENFILE),
}
ADVICE_OF = {number: advice for advice, numbers in ADVICE.items() for number in numbers}
Parse = Callable[[], argparse.Namespace]
Run = Callable[[argparse.Namespace], int]


def run_command(parse: Parse, run: Run, writes_artifacts: bool = True) -> NoReturn:
    """Parse the command line, run the command and exit with its code (temper.exit_codes). A bug shows its traceback.

    writes_artifacts: whether a message says, when the command is stopped, that existing artifacts were not changed.
    """
    _open_closed_streams()
    # TensorFlow prints ten lines of INFO to stderr on import; whoever wants them sets the variable.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name or a label that the terminal's encoding lacks is shown as `\xe9`, and is no error.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(_run(parse, run, "Existing artifacts were not changed. " if writes_artifacts else ""))


def _open_closed_streams() -> None:
    """Discard what is written to a stream that the shell has closed (`>&-`).

    The next file that is opened would get its number, and then what native libraries print.
    """
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process
            os.dup2(nowhere.fileno(), number)
            setattr(sys, name, nowhere)


def _run(parse: Parse, run: Run, promise: str) -> int:
    try:
        options = parse()
        configure_logging(options)
        code = int(run(options))
        sys.stdout.flush()
    except UserError as error:
        if cause := error.__cause__ or error.__context__:
            LOGGER.debug("cause: %r", cause)
        return _report(str(error), error.exit_code)
    except KeyboardInterrupt:
        print(f"\nstopped. {promise}".rstrip(), file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader (`head`, for example) is gone: nothing more can be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.SOME_FAILED
    except (OSError, MemoryError) as error:
        return _report_resources(error, promise)
    except Exception:
        return _report_bug()
    return code


def _report_resources(error: OSError | MemoryError, promise: str) -> ExitCode:
    if isinstance(error, OSError):
        if error.errno not in ADVICE_OF:
            return _report_bug()
        what = f"{error.strerror} ({error.filename})" if error.filename else str(error.strerror)
        fix = f"{ADVICE_OF[error.errno]}, then run the same command again."
    else:
        what, fix = "out of memory", "Use smaller batches or images, or close other programs."
    return _report(f"{what}. {promise}{fix}", ExitCode.RESOURCES)


def _report_bug() -> ExitCode:
    traceback.print_exc()
    return _report("this is a bug in Temper; please report it with the lines above", ExitCode.BUG)


def _report(message: str, code: ExitCode) -> ExitCode:
    try:
        sys.stdout.flush()
    except OSError:
        # The output is what failed: on a full disk the error is still shown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with contextlib.suppress(BrokenPipeError):
        print(f"error: {message}", file=sys.stderr)
    return code
