import os

import pytest

from temper.system.quiet import quiet_stderr


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
