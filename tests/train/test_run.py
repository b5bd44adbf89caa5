import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from temper.errors import UserError
from temper.exit_codes import ExitCode
from tests.train.images import fill
from train.run import parse, run

ROOT = Path(__file__).parents[2]


def execute(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "train/run.py", *arguments], cwd=ROOT, capture_output=True, text=True)


def error_of(*arguments: str, code: ExitCode) -> str:
    """The one error message of a command that fails with this exit code."""
    done = execute(*arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert done.stdout == ""
    return lines[0]


def refusal_of(*arguments: str, code: ExitCode) -> str:
    """The one line of the error that the command raises, in this process: TensorFlow takes seconds to import."""
    with pytest.raises(UserError) as caught:
        run(parse(list(arguments)))
    assert caught.value.exit_code == code
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (["--data", "{}/nowhere"], "is not a folder", ExitCode.DATA),
        (["--data", "{}/empty"], "no images", ExitCode.DATA),
        (["--data", "{}/one"], "one label only", ExitCode.DATA),
        (["--data", "{}/two", "--weights", "{}/missing.h5"], "missing.h5 does not exist", ExitCode.USAGE),
        (["--data", "{}/two", "--size", "31"], "--size is 31. Expected a number from 32", ExitCode.USAGE),
        (["--data", "{}/two", "--out", "{}/file/model.keras"], "file is a file", ExitCode.USAGE),
    ],
)
def test_a_mistake_is_one_line_with_the_remedy(
    arguments: list[str], words: str, code: ExitCode, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("a file")
    fill(tmp_path / "one", 5, labels=("cat",))
    fill(tmp_path / "two", 5)
    assert words in error_of(*(argument.format(tmp_path) for argument in arguments), code=code)


@pytest.mark.tensorflow
def test_mistakes_that_only_training_detects_leave_no_file(tmp_path: Path) -> None:
    fill(tmp_path, 5)
    start = ("--data", str(tmp_path), "--weights", "none", "--size", "32", "--out", str(tmp_path / "out/model.keras"))
    assert "TF_CONFIG" in refusal_of(*start, "--distribute", "workers", code=ExitCode.USAGE)
    (tmp_path / "dog" / "note.jpg").write_text("not an image")
    assert "note.jpg" in refusal_of(*start, code=ExitCode.DATA)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.tensorflow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to: /proc")
def test_a_folder_without_write_permission_is_reported_before_training(tmp_path: Path) -> None:
    fill(tmp_path, 5)
    arguments = ("--data", str(tmp_path), "--weights", "none", "--size", "32", "--out", "/proc/new/model.keras")
    assert "cannot be written" in refusal_of(*arguments, code=ExitCode.RESOURCES)


@pytest.mark.tensorflow
@pytest.mark.slow
def test_the_range_test_suggests_a_rate_and_leaves_only_its_chart(tmp_path: Path) -> None:
    for label, shade in (("day", 200), ("night", 40)):
        (tmp_path / label).mkdir()
        for index in range(12):
            Image.new("RGB", (40, 40), (shade, shade + index, shade)).save(tmp_path / label / f"{index}.png")
    start = ("--data", str(tmp_path), "--weights", "none", "--size", "32", "--out", str(tmp_path / "out/model.keras"))
    done = execute(*start, "--lr-range-test", "--batch", "8")
    assert done.returncode == 0, done.stderr
    assert "the loss falls fastest at a learning rate of" in done.stdout
    assert "--learning-rate RATE" in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.lr-range-test.png"]


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["model.keras/thesis.txt", "model.md", "model.history.csv/thesis.txt"])
def test_what_the_user_stored_where_training_writes_is_refused_before_training(tmp_path: Path, name: str) -> None:
    fill(tmp_path, 5)
    thesis = tmp_path / "out" / name
    thesis.parent.mkdir(parents=True)
    thesis.write_text("five years")
    start = ("--data", str(tmp_path), "--weights", "none", "--size", "32", "--out", str(tmp_path / "out/model.keras"))
    message = refusal_of(*start, "--force", code=ExitCode.ARTIFACT)
    assert message.endswith("Move it away, or name another file with --out.")
    assert thesis.read_text() == "five years"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name.partition("/")[0]]
