"""What every command does around its work: an error becomes one message and an exit code."""

import argparse
import errno
import io
import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from temper.cli.console import LOGGER, configure_logging
from temper.errors import UserError
from temper.exit_codes import ExitCode

# Causes outside the program: disks, permissions, quotas, and paths that the user named.
ENVIRONMENT_ERRNOS = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOMEM,
    errno.EMFILE, errno.ENFILE, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ENAMETOOLONG,
}  # fmt: skip
Parse = Callable[[], argparse.Namespace]
Run = Callable[[argparse.Namespace], int]


def run_command(parse: Parse, run: Run) -> NoReturn:
    """Parse the command line, run the command and exit with its code (temper.exit_codes). A bug shows its traceback."""
    # TensorFlow prints ten lines of INFO to stderr on import; whoever wants them sets the variable.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name or a label that the terminal's encoding lacks is shown as `\xe9`, and is no error.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(_run(parse, run))


def _run(parse: Parse, run: Run) -> int:
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
        print("\nstopped: existing artifacts were not changed. Run the same command to start again.", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader (`head`, for example) is gone: nothing more can be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.SOME_FAILED
    except (OSError, MemoryError) as error:
        return _report_resources(error)
    except Exception:
        return _report_bug()
    return code


def _report_resources(error: OSError | MemoryError) -> ExitCode:
    if isinstance(error, OSError):
        if error.errno not in ENVIRONMENT_ERRNOS:
            return _report_bug()
        what = f"{error.strerror} ({error.filename})" if error.filename else str(error.strerror)
        fix = "Free space or name another path, then run the same command again."
    else:
        what, fix = "out of memory", "Use smaller batches or images, or close other programs."
    return _report(f"{what}. Existing artifacts were not changed. {fix}", ExitCode.RESOURCES)


def _report_bug() -> ExitCode:
    traceback.print_exc()
    return _report("this is a bug in Temper; please report it with the lines above", ExitCode.BUG)


def _report(message: str, code: ExitCode) -> ExitCode:
    try:
        sys.stdout.flush()
    except OSError:
        # The output is what failed: on a full disk the error is still shown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print(f"error: {message}", file=sys.stderr)
    return code
