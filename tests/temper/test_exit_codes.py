import inspect
import re

import pytest

from temper import errors
from temper.errors import UserError
from temper.exit_codes import ExitCode
from tests.source import ROOT

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, UserError)]


def test_codes_are_unique_and_fit_in_a_byte() -> None:
    assert len(ExitCode) == len({int(code) for code in ExitCode})
    assert all(0 <= code < 256 for code in ExitCode)


def test_success_and_ctrl_c_have_the_usual_codes() -> None:
    assert (ExitCode.OK, ExitCode.USAGE, ExitCode.INTERRUPTED, ExitCode.TERMINATED) == (0, 2, 128 + 2, 128 + 15)


@pytest.mark.parametrize("code", [code for code in ExitCode if code not in (0, 70, 130, 143)])
def test_every_other_code_belongs_to_an_error(code: ExitCode) -> None:
    assert [kind for kind in CLASSES if kind.exit_code == code]


@pytest.mark.parametrize("code", ExitCode)
def test_troubleshooting_explains_every_code(code: ExitCode) -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| `?{code.value}`? \|", text, re.MULTILINE), code.name
