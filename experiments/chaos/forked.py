"""Forked children: thousands of kills without thousands of imports."""

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable

# Changes of the file system that Python announces before it makes them. Flushes are not among them.
CHANGES = ("open", "os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink")
DONE, RAISED = 0, 1
Work = Callable[[], object]


def run_forked(work: Work) -> int:
    """Start the work in a child; returns its number. It ends with DONE, or RAISED after an exception.

    The calling process must have no threads.
    """
    child = os.fork()
    if child:
        return child
    code = RAISED
    try:
        work()
        code = DONE
    except OSError:
        pass
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def killed_before_change(work: Work, number: int) -> bool:
    """Run work in a child, killed before the change of the file system of this number; False: it ended before."""

    def counted() -> None:
        left = number

        def count(event: str, _: tuple[object, ...]) -> None:
            nonlocal left
            if event in CHANGES:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work()

    return wait_for(run_forked(counted)) == -signal.SIGKILL


def killed_after(work: Work, seconds: float) -> bool:
    """Run work in a child that is killed after some time; False when it ended before."""
    child = run_forked(work)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return wait_for(child) == -signal.SIGKILL


def wait_for(child: int) -> int:
    """The exit code of a child, or its signal as a negative number."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def random_seconds(generator: random.Random, work_seconds: float) -> float:
    """A moment during the work or shortly after it."""
    return generator.uniform(0, 1.2 * work_seconds)
