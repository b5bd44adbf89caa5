import errno

import pytest

from temper.cli.entry_point import enter
from temper.errors import UserError


def exits(main: object) -> int:
    with pytest.raises(SystemExit) as caught:
        enter(main)  # type: ignore[arg-type]
    return int(caught.value.code or 0)


def raising(error: BaseException) -> object:
    def main() -> int:
        raise error

    return main


def test_the_commands_own_code_is_the_exit_code() -> None:
    assert exits(lambda: 0) == 0
    assert exits(lambda: 1) == 1


def test_a_user_error_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert exits(raising(UserError("no such thing"))) == 1
    assert capsys.readouterr().err == "error: no such thing\n"


def test_ctrl_c_is_130_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert exits(raising(KeyboardInterrupt())) == 130
    assert "stopped" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_full_or_closed_disk_is_one_message(capsys: pytest.CaptureFixture[str], number: int) -> None:
    assert exits(raising(OSError(number, "No room", "model.onnx"))) == 1
    assert "No room (model.onnx)" in capsys.readouterr().err


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        enter(raising(ZeroDivisionError()))  # type: ignore[arg-type]
