"""What every command does around its work: a mistake becomes one message and an exit code."""

import errno
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from temper.errors import UserError

ENVIRONMENT_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}


def enter(main: Callable[[], int]) -> NoReturn:
    """Run a command and exit: 0 done, 1 the user can mend it, 130 stopped by Ctrl-C. Bugs keep their traceback."""
    # TensorFlow greets with ten lines of INFO on stderr; whoever wants them sets the variable.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        code = main()
        sys.stdout.flush()
    except UserError as error:
        code = _complain(str(error))
    except KeyboardInterrupt:
        print("\nstopped: nothing half-made was left behind; the same command starts again.", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        # The reader (`head`, say) has gone: nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except OSError as error:
        if error.errno not in ENVIRONMENT_ERRNOS:
            raise
        where = f" ({error.filename})" if error.filename else ""
        code = _complain(
            f"{error.strerror}{where}. Finished files were left as they were; make room or name "
            "another folder, then run the same command again."
        )
    sys.exit(code)


def _complain(message: str) -> int:
    sys.stdout.flush()
    print(f"error: {message}", file=sys.stderr)
    return 1
