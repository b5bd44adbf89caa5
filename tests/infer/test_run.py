"""The command of a clone: `infer/run.py` has the commands of `temper`, and `classify` needs not be named."""

import json
from pathlib import Path

import pytest

from infer import run
from temper.artifact import Artifact
from temper.cli import main
from temper.dataset.split import read_split
from temper.exit_codes import ExitCode


@pytest.fixture
def image(bundle: Path) -> Path:
    """A red image."""
    return next(each.path for each in read_split(Artifact.at(bundle), "test") if each.label == "red")


def execute(*words: object) -> int:
    return main.run(run.parse([str(word) for word in words]))


def test_without_a_command_images_are_classified(bundle: Path, image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute("--engine", bundle.with_name("model.fp32.onnx"), image) == ExitCode.OK
    without = capsys.readouterr().out
    assert without.startswith(f"{image}: red ")
    assert execute("classify", "--engine", bundle.with_name("model.fp32.onnx"), image) == ExitCode.OK
    assert capsys.readouterr().out.rpartition("(")[0] == without.rpartition("(")[0]


def test_the_options_of_classify_work_without_the_command(
    bundle: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (
        "--engine",
        bundle.with_name("model.fp32.onnx"),
        image,
        bundle.with_name("none.png"),
        "--top-k",
        2,
        "--json",
    )
    assert execute(*words) == ExitCode.SOME_FAILED
    good, bad = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert [each["label"] for each in good["predictions"]] == ["red", "blue"]
    assert "does not exist" in bad["error"]


@pytest.mark.parametrize("command", ["selftest", "doctor", "inspect"])
def test_the_other_commands_are_those_of_temper(command: str, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(command, bundle.with_name("model.fp32.onnx")) == ExitCode.OK
    assert "model.fp32.onnx" in capsys.readouterr().out


def test_an_image_may_have_the_name_of_a_command_when_options_come_first(bundle: Path) -> None:
    options = run.parse(["--engine", str(bundle), "doctor"])
    assert (options.command, options.images) == ("classify", ["doctor"])


def test_help_shows_the_command_of_a_clone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run.parse(["--help"])
    assert caught.value.code == ExitCode.OK
    text = capsys.readouterr().out
    assert text.startswith("usage: python infer/run.py ")
    assert "python infer/run.py --engine artifacts/model.int8.onnx cat.jpg" in text


def test_the_words_of_the_process_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["infer/run.py", "--engine", "model.onnx", "a.png"])
    assert run.parse().images == ["a.png"]


@pytest.mark.parametrize(
    "words", [[], ["a.png"], ["--engine", "x.onnx"], ["--engine", "x.onnx", "--top-k", "0", "a.png"]]
)
def test_wrong_words_are_a_usage_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run.parse(words)
    assert caught.value.code == ExitCode.USAGE
    assert "See `python infer/run.py classify --help`" in capsys.readouterr().err


def test_a_misspelled_command_is_not_taken_for_an_image(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run.parse(["docter", "x.onnx"])
    assert caught.value.code == ExitCode.USAGE
    assert "unknown command 'docter'; expected one of classify, " in capsys.readouterr().err


def test_images_may_come_before_the_engine() -> None:
    assert run.parse(["photos", "--engine", "x.onnx"]).images == ["photos"]
    assert run.parse(["photos", "--engine=x.onnx"]).images == ["photos"]


def test_without_an_engine_the_usage_of_classify_is_shown_for_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    with pytest.raises(SystemExit):
        run.parse(["photos"])
    assert "required: --engine" in capsys.readouterr().err
