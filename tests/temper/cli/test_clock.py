import io
import sys

import pytest

from temper.cli.clock import Clock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_shows_minutes_and_seconds_and_leaves_an_empty_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    clock = Clock("compiling")
    clock(62.4)
    assert screen.getvalue().endswith("compiling 1:02")
    clock.erase()
    assert screen.getvalue().split("\r")[-2].strip() == ""


def test_in_a_file_it_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock("compiling")
    clock(1.0)
    clock.erase()
    assert capsys.readouterr().err == ""
