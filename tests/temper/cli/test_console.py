import argparse
import io
import json
import logging
import sys

import pytest

from temper.cli.console import LOGGER, add_verbosity_options, configure_logging, print_json_error, stderr_console


@pytest.fixture(autouse=True)
def restored_level() -> object:
    level = LOGGER.level
    yield
    LOGGER.setLevel(level)


def log_everything(*words: str) -> None:
    """Configure logging as a command with these options does, and log a message of each level."""
    parser = argparse.ArgumentParser()
    add_verbosity_options(parser)
    configure_logging(parser.parse_args(words))
    logger = logging.getLogger("temper.convert")
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        logger.log(level, "a message")


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ([], ["a message", "warning: a message", "error: a message"]),
        (["-v"], ["a message", "a message", "warning: a message", "error: a message"]),
        (["-q"], ["warning: a message", "error: a message"]),
    ],
)
def test_messages_go_to_stderr_at_the_level_of_the_options(
    words: list[str], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    log_everything(*words)
    output = capsys.readouterr()
    assert output.err.splitlines() == lines
    assert output.out == ""


def test_verbose_and_quiet_exclude_each_other() -> None:
    with pytest.raises(SystemExit):
        log_everything("-v", "-q")


@pytest.mark.parametrize("text", ["a:cat:b", "[bold]x[/bold]", "x" * 300, "100 %", "Größe 猫"])
def test_a_message_is_shown_as_it_is_on_one_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(argparse.Namespace())
    logging.getLogger("temper.infer").warning("%s", text)
    assert capsys.readouterr().err == f"warning: {text}\n"


def test_configuring_twice_shows_a_message_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(argparse.Namespace())
    configure_logging(argparse.Namespace())
    LOGGER.info("once")
    assert capsys.readouterr().err == "once\n"


def test_the_console_writes_to_the_stderr_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    stderr_console().print("text")
    assert stream.getvalue() == "text\n"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_only_a_terminal_gets_bars_also_with_force_color(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    assert stderr_console.__wrapped__().is_terminal is is_terminal


def test_a_closed_stderr_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    stderr_console.__wrapped__().print("text")


def test_the_logging_of_libraries_is_not_changed(capsys: pytest.CaptureFixture[str]) -> None:
    root, library = logging.getLogger(), logging.getLogger("matplotlib")
    before = (list(root.handlers), root.level, list(library.handlers), library.level, library.propagate)
    configure_logging(argparse.Namespace(verbose=True))
    library.debug("a message of a library")
    assert capsys.readouterr().err == ""
    assert (list(root.handlers), root.level, list(library.handlers), library.level, library.propagate) == before


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_the_object_of_an_error_is_json_in_every_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.TextIOWrapper(io.BytesIO(), encoding, errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", stdout)
    print_json_error("größe\udce9.onnx does not exist", "Check “it”.", 4)
    stdout.seek(0)
    error = json.loads(stdout.read())["error"]
    assert error == {"what": r"größe\xe9.onnx does not exist", "fix": "Check “it”.", "code": 4}
