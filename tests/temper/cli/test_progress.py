import io
import logging
import re
import sys
import time

import pytest
from rich.console import Console

from temper.cli import console, progress
from temper.cli.progress import ProgressDisplay, format_duration, format_rate, no_progress, running


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a terminal on stderr receives."""
    stream = io.StringIO()
    shared = Console(file=stream, force_terminal=True, width=80, emoji=False, markup=False, highlight=False)
    for module in (console, progress):
        monkeypatch.setattr(module, "stderr_console", lambda: shared)
    monkeypatch.setattr(console.LOGGER, "handlers", [console.ConsoleHandler()])
    return stream


def test_elsewhere_than_on_a_terminal_each_finished_step_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with ProgressDisplay() as display:
        for step, total in (("decoding", 3), ("predicting", 1500)):
            for done in range(total):
                display(step, done + 1, total)
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["decoding: 3 in 0.0 s", "predicting: 1,500 in 0.0 s"]


def test_a_step_that_is_not_finished_has_no_line(caplog: pytest.LogCaptureFixture) -> None:
    with ProgressDisplay() as display:
        display("decoding", 1, 3)
        display("building", 0, 0)
    assert not caplog.records


def test_a_long_step_shows_its_rate(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([100.0, 110.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))
    with ProgressDisplay() as display:
        display("decoding", 25, 25)
    assert caplog.messages == ["decoding: 25 in 10.0 s (2.5/s)"]


def test_a_terminal_shows_a_bar_and_then_the_line(terminal: io.StringIO) -> None:
    with ProgressDisplay() as display:
        display("decoding [red]", 1, 3)
        assert "decoding [red]" in terminal.getvalue()
        assert "1/3" in terminal.getvalue()
        display("decoding [red]", 3, 3)
    assert terminal.getvalue().endswith("decoding [red]: 3 in 0.0 s\n")
    # The cursor, hidden while there is a bar, is visible again.
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")


def test_a_step_of_unknown_length_shows_its_time(terminal: io.StringIO) -> None:
    with ProgressDisplay() as display:
        display("building", 0, 0)
    assert "building" in terminal.getvalue() and "0:00:00" in terminal.getvalue()


def test_an_error_removes_the_bar(terminal: io.StringIO) -> None:
    with pytest.raises(KeyboardInterrupt), ProgressDisplay() as display:
        display("decoding", 1, 3)
        raise KeyboardInterrupt
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")


def test_quiet_shows_neither_bar_nor_line(terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    console.LOGGER.setLevel(logging.WARNING)
    with ProgressDisplay() as display:
        display("decoding", 1, 3)
        display("decoding", 3, 3)
    assert terminal.getvalue() == ""


def test_results_go_to_a_redirected_stdout_while_there_is_a_bar(
    terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    with ProgressDisplay() as display:
        display("decoding", 1, 3)
        print("a result")
    assert output.getvalue() == "a result\n"
    assert "a result" not in terminal.getvalue()


def test_a_step_may_be_repeated(caplog: pytest.LogCaptureFixture) -> None:
    with ProgressDisplay() as display:
        display("decoding", 2, 2)
        display("decoding", 2, 2)
    assert caplog.messages == ["decoding: 2 in 0.0 s"] * 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (60, "1:00 min"),
        (3599.4, "59:59 min"),
        (3600, "1:00:00 h"),
        (90061, "25:01:01 h"),
    ],
)
def test_a_duration_is_shown_in_seconds_minutes_or_hours(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(("rate", "text"), [(0.25, "0.2/s"), (99.94, "99.9/s"), (100, "100/s"), (12345, "12,345/s")])
def test_a_rate_has_a_decimal_below_one_hundred(rate: float, text: str) -> None:
    assert format_rate(rate) == text


def test_no_progress_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    no_progress("decoding", 1, 1)
    assert capsys.readouterr() == ("", "")


def test_a_running_step_shows_its_time_and_is_a_line_when_it_has_ended(terminal: io.StringIO) -> None:
    with ProgressDisplay() as display:
        with running(display, "exporting"):
            assert "exporting" in terminal.getvalue() and "0:00:00" in terminal.getvalue()
        assert re.search(r"exporting: 0\.\d s\n$", terminal.getvalue())


def test_a_step_that_fails_has_no_line(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError), ProgressDisplay() as display, running(display, "exporting"):
        raise ValueError
    assert not caplog.records
