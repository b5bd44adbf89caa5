import subprocess
import sys
import threading

import pytest

from temper.system import background

# Reads for an hour, and is stopped.
PROGRAM = """
import time
from temper.system import background
background.start(lambda: time.sleep(3600))
raise SystemExit(3)
"""


def test_the_result_is_that_of_another_thread() -> None:
    assert background.start(threading.get_ident).result() != threading.get_ident()


def test_what_the_work_raises_is_raised_where_its_result_is_read() -> None:
    with pytest.raises(ZeroDivisionError):
        background.start(lambda: 1 // 0).result()


def test_a_program_that_ends_does_not_wait_for_the_work() -> None:
    assert subprocess.run([sys.executable, "-c", PROGRAM], timeout=30).returncode == 3
