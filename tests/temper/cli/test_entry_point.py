import argparse
import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from temper import errors
from temper.cli.console import CommandParser, add_verbosity_options
from temper.cli.entry_point import BUG, REPORT, run_command
from temper.exit_codes import ExitCode
from tests.source import ROOT

COMMAND = """
import argparse, sys, time
from temper.cli.entry_point import run_command
def run(options):
{body}
    return 0
run_command(argparse.Namespace, run)
"""


def exit_code(run: Callable[[argparse.Namespace], int], *words: str, writes_artifacts: bool = True) -> int:
    parser = argparse.ArgumentParser()
    add_verbosity_options(parser)
    with pytest.raises(SystemExit) as caught:
        run_command(lambda: parser.parse_args(words), run, writes_artifacts)
    return int(caught.value.code or 0)


def raising(error: BaseException) -> Callable[[argparse.Namespace], int]:
    def run(options: argparse.Namespace) -> int:
        raise error

    return run


def command(body: str) -> list[str]:
    """A command in a process of its own, whose `run` has this body."""
    return [sys.executable, "-c", COMMAND.format(body="\n".join(f"    {line}" for line in body.splitlines()))]


@pytest.mark.parametrize("code", [0, 1, ExitCode.QUALITY])
def test_the_result_of_the_command_is_the_exit_code(code: int) -> None:
    assert exit_code(lambda options: code) == code


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UserError, 1),
        (errors.UsageError, 2),
        (errors.DataError, 3),
        (errors.UnreadableImage, 3),
        (errors.ArtifactError, 4),
        (errors.IncompatibleMachine, 5),
        (errors.MissingRuntime, 5),
        (errors.ResourceError, 6),
        (errors.QualityError, 7),
    ],
)
def test_a_user_error_is_one_message_and_the_exit_code_of_its_class(
    kind: type[errors.UserError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(raising(kind("no such thing", fix="Make one."))) == code
    assert capsys.readouterr().err == "error: no such thing. Make one.\n"


def test_codes_in_the_path_of_an_error_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(raising(errors.DataError("a\x1b[2J\udcff.jpg is missing", fix="Check it:\n    ls"))) == 3
    assert capsys.readouterr().err == "error: a\\x1b[2J\\xff.jpg is missing. Check it:\n    ls\n"


def test_verbose_shows_the_error_of_a_library_behind_a_user_error(capsys: pytest.CaptureFixture[str]) -> None:
    def run(options: argparse.Namespace) -> int:
        try:
            raise ValueError("the library's words")
        except ValueError:
            raise errors.ArtifactError("it cannot be opened") from None

    assert exit_code(run) == exit_code(run, "-v") == ExitCode.ARTIFACT
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "error: it cannot be opened", 'cause: ValueError("the library\'s words")', "error: it cannot be opened",
    ]  # fmt: skip


def test_with_json_an_error_is_also_an_object_on_stdout(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parser = CommandParser(prog="temper")
    parser.add_argument("--json", action="store_true")
    monkeypatch.setattr(sys, "argv", ["temper", "--json"])
    cases = {
        ("it is damaged", "Copy it again.", 4): raising(errors.ArtifactError("it is damaged", fix="Copy it again.")),
        ("stopped", "", 130): raising(KeyboardInterrupt()),
        (BUG, REPORT, 70): raising(ZeroDivisionError()),
    }
    for (what, fix, code), run in cases.items():
        with pytest.raises(SystemExit) as caught:
            run_command(lambda: parser.parse_args(["--json"]), run, writes_artifacts=False)
        assert caught.value.code == code
        assert json.loads(capsys.readouterr().out) == {"error": {"what": what, "fix": fix, "code": code}}
    failed = errors.QualityError("it differs")
    failed.details = {"images": 16}
    with pytest.raises(SystemExit):
        run_command(lambda: parser.parse_args(["--json"]), raising(failed))
    assert json.loads(capsys.readouterr().out)["images"] == 16
    with pytest.raises(SystemExit):
        run_command(lambda: parser.parse_args(["--json", "--typo"]), lambda options: 0)
    expected = {"what": "unrecognized arguments: --typo", "fix": "See `temper --help`.", "code": 2}
    assert json.loads(capsys.readouterr().out) == {"error": expected}


def test_an_error_while_the_options_are_read_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    def parse() -> argparse.Namespace:
        raise errors.UsageError("--a contradicts --b")

    with pytest.raises(SystemExit) as caught:
        run_command(parse, lambda options: 0)
    assert caught.value.code == ExitCode.USAGE
    assert capsys.readouterr().err == "error: --a contradicts --b\n"


def test_ctrl_c_is_130_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(raising(KeyboardInterrupt())) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "stopped. Every artifact is complete, the old or the new one.\n"
    assert exit_code(raising(KeyboardInterrupt()), writes_artifacts=False) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "stopped.\n"


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "Free space, or name another path"),
        (errno.EACCES, "Check the permissions, or name another path"),
        (errno.EROFS, "Check the permissions, or name another path"),
        (errno.EISDIR, "Name another path"),
        (errno.EEXIST, "Name another path"),
        (errno.EMFILE, "Close other programs"),
    ],
)
def test_a_full_or_forbidden_disk_is_one_message_with_what_helps(
    capsys: pytest.CaptureFixture[str], number: int, advice: str
) -> None:
    fail = raising(OSError(number, "It failed", "model.onnx"))
    assert exit_code(fail) == ExitCode.RESOURCES
    rest = f"{advice}, then run the same command again.\n"
    promise = "Every artifact is complete, the old or the new one."
    assert capsys.readouterr().err == f"error: It failed (model.onnx). {promise} {rest}"
    assert exit_code(fail, writes_artifacts=False) == ExitCode.RESOURCES
    assert capsys.readouterr().err == f"error: It failed (model.onnx). {rest}"


def test_too_little_memory_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(raising(MemoryError())) == ExitCode.RESOURCES
    assert capsys.readouterr().err.startswith("error: out of memory. ")


@pytest.mark.parametrize("error", [ZeroDivisionError(), FileNotFoundError(errno.ENOENT, "none", "a.txt")])
def test_a_bug_shows_its_traceback_and_has_its_own_exit_code(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(raising(error)) == ExitCode.BUG
    text = capsys.readouterr().err
    assert text.startswith("Traceback")
    assert type(error).__name__ in text
    assert text.endswith("the lines above, the command, and the output of `doctor`.\n")


@pytest.mark.programs
def test_a_reader_that_is_gone_ends_the_command_quietly() -> None:
    lines = command("for i in range(100_000):\n    print('a line of text', i)")
    with subprocess.Popen(lines, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == ExitCode.SOME_FAILED


@pytest.mark.programs
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize(
    ("body", "code"),
    [("print(*sys.stdin)", 0), ("from temper.errors import DataError\nraise DataError('no images')", ExitCode.DATA)],
    ids=["result", "error"],
)
def test_a_stream_that_the_shell_has_closed_is_no_error(closed: str, body: str, code: int, tmp_path: Path) -> None:
    # A file that is opened meanwhile must not get the number of the closed stream.
    file = tmp_path / "written"
    lines = command(f"import os\nfile = open({str(file)!r}, 'w')\nos.write(1, b'x')\nos.write(2, b'x')\n{body}")
    words = ["sh", "-c", f'exec "$@" {closed}', "sh", *lines]
    done = subprocess.run(words, input="", capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert file.read_text() == ""


@pytest.mark.programs
def test_an_error_whose_reader_is_gone_has_its_exit_code() -> None:
    lines = command("from temper.errors import DataError\nsys.stdin.read()\nraise DataError('no images')")
    with subprocess.Popen(lines, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdin is not None and process.stderr is not None
        process.stderr.close()
        process.stdin.close()
    assert process.returncode == ExitCode.DATA


@pytest.mark.programs
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_results_that_do_not_fit_on_the_disk_are_one_message() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command("print('a result')"), stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert done.returncode == ExitCode.RESOURCES
    assert done.stderr.startswith("error: No space left on device. ")
    assert done.stderr.count("\n") == 1


@pytest.mark.programs
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_help_that_does_not_fit_on_the_disk_is_one_message() -> None:
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "data/run.py", "--help"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr.count("\n")) == (ExitCode.RESOURCES, 1)


@pytest.mark.programs
def test_text_that_the_terminal_cannot_show_is_escaped() -> None:
    done = subprocess.run(
        command("print('Gr\\u00f6\\u00dfe \\u732b')"),
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )
    assert (done.returncode, done.stdout) == (0, "Größe \\u732b\n".encode("latin-1"))


def test_a_command_that_only_reads_does_not_wait_for_the_end_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr("temper.cli.entry_point.skip_shutdown", codes.append)
    for writes_artifacts, skipped in ((True, []), (False, [0])):
        assert exit_code(lambda options: 0, writes_artifacts=writes_artifacts) == 0 and codes == skipped
