import logging

import pytest

from choose.steps import reason_of, run_logged
from temper.errors import DataError


def test_the_traceback_of_an_unexpected_error_is_logged_with_verbose(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="temper")
    assert reason_of(KeyError("conv1")) == "KeyError: 'conv1'"
    assert "KeyError: 'conv1'" in caplog.text
    caplog.clear()
    assert reason_of(DataError("it is empty", fix="Add images.")) == "it is empty. Add images."
    assert caplog.text == ""


def test_messages_of_a_child_have_the_level_of_the_parent(capsys: pytest.CaptureFixture[str]) -> None:
    def work(text: str) -> str:
        logging.getLogger("temper.train").info(text)
        return text

    assert run_logged(logging.INFO, work, ("shown",)) == "shown"
    run_logged(logging.WARNING, work, ("hidden",))
    assert capsys.readouterr().err == "shown\n"
