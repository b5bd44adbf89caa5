import os
import subprocess
import sys
from pathlib import Path

import pytest

from temper import __version__
from temper.cli import main
from temper.exit_codes import ExitCode
from temper.formats import describe_suffixes, suffixes
from tests.source import ROOT

# `--help` works before any library is installed.
LIBRARIES = (
    "numpy", "PIL", "msgspec", "rich", "platformdirs", "scipy", "keras", "tensorflow", "onnx", "onnxruntime",
    "openvino", "tensorrt", "tensorrt_rtx", "matplotlib",
)  # fmt: skip
HELP = """
import runpy, sys
sys.modules.update(dict.fromkeys({libraries!r}))
sys.argv = {words!r}
{start}
"""
PROGRAMS = {
    "temper": "from temper.cli.main import main; main()",
    "infer/run.py": f"runpy.run_path({str(ROOT / 'infer' / 'run.py')!r}, run_name='__main__')",
}


def output(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main.parse(list(words))
    assert caught.value.code == 0
    return capsys.readouterr().out


def test_help_lists_every_command_and_how_to_see_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "--help")
    assert text.startswith("usage: temper ")
    for name in main.COMMANDS:
        assert f"    {name} " in text
    assert "COMMAND --help" in text
    assert describe_suffixes() in text


@pytest.mark.parametrize("command", main.COMMANDS)
def test_help_of_a_command_names_the_suffixes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, command, "--help")
    assert text.startswith(f"usage: temper {command} ")
    assert ", ".join(suffixes()) in " ".join(text.split())
    assert "--verbose" in text and "--quiet" in text
    assert "%(prog)s" not in text


def test_another_program_may_have_the_same_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.parse(["--help"], "other", "Another description.")
    text = capsys.readouterr().out
    assert text.startswith("usage: other ")
    assert "Another description." in text


def test_the_version_is_that_of_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    assert output(capsys, "--version") == f"temper {__version__}\n"


@pytest.mark.parametrize("words", [[], ["no-such-command"], ["classify"], ["selftest"], ["doctor", "--json", "a", "b"]])
def test_wrong_words_are_a_usage_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.parse(words)
    assert caught.value.code == ExitCode.USAGE
    assert "See `temper " in capsys.readouterr().err


def test_an_unknown_command_is_named_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.parse(["docter", "x.onnx"])
    assert caught.value.code == ExitCode.USAGE
    names = "classify, selftest, doctor, inspect, serve, sign, verify, trustkey"
    expected = f"error: unknown command 'docter'; expected one of {names}. See `temper --help`.\n"
    assert expected in capsys.readouterr().err


def test_the_chosen_command_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("temper.cli.commands.inspect.run_doctor", lambda options: 42 if options.json else 0)
    assert main.run(main.parse(["doctor", "--json"])) == 42


def test_the_console_command_exits_with_the_code_of_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["temper", "inspect", str(tmp_path / "none.onnx")])
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == ExitCode.ARTIFACT
    assert "none.onnx does not exist" in capsys.readouterr().err


@pytest.mark.programs
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("words", ["--version", "--help", *(f"{each} --help" for each in main.COMMANDS)])
def test_help_and_version_need_no_library(program: str, words: str, tmp_path: Path) -> None:
    code = HELP.format(libraries=LIBRARIES, words=[program, *words.split()], start=PROGRAMS[program])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(("usage: ", "temper "))
    assert done.stderr == ""
