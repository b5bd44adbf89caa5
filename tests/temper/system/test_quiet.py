import os
import subprocess
import sys

import pytest

from temper.system.quiet import quiet_stderr
from tests.source import ROOT


def test_what_native_code_writes_is_hidden(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_stderr():
        os.write(2, b"hello")
    os.write(2, b"later")
    assert capfd.readouterr().err == "later"


def test_it_is_shown_when_the_block_raises(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ImportError), quiet_stderr():
        os.write(2, b"the reason")
        raise ImportError
    assert capfd.readouterr().err == "the reason"


@pytest.mark.programs
def test_a_closed_stderr_is_no_error() -> None:
    code = "from temper.system.quiet import quiet_stderr\nwith quiet_stderr(): print('inside')"
    closed = ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-c", code]
    done = subprocess.run(closed, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "inside\n")
