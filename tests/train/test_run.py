import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.train.dataset.test_split import fill

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "train/run.py", *arguments], cwd=ROOT, capture_output=True, text=True)


def complaint_of(*arguments: str) -> str:
    done = run(*arguments)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


def test_help_tells_the_tutorials_values() -> None:
    done = run("--help")
    assert done.returncode == 0
    for words in (
        "224 pixels, 2 epochs, batches of 8",
        "1e-4",
        "(25.0)",
        "256",
        "(0.5)",
        "--fine-tune",
        "convnexttiny",
    ):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "{}/nowhere"], "is not a folder"),
        (["--data", "{}/empty"], "no pictures"),
        (["--data", "{}/one"], "one label only"),
        (["--data", "{}/two", "--weights", "{}/missing.h5"], "missing.h5 does not exist"),
        (["--data", "{}/two", "--size", "31"], "--size is 31. Expected a number from 32"),
        (["--data", "{}/two", "--held-out", "0"], "--held-out is 0"),
        (["--data", "{}/two", "--learning-rate", "nan"], "--learning-rate is nan"),
        (["--data", "{}/two", "--label-smoothing", "1"], "--label-smoothing is 1"),
        (["--data", "{}/two", "--out", "{}/model.onnx"], "ends in .keras"),
        (["--data", "{}/two", "--out", "{}/file/model.keras"], "file is a file"),
    ],
)
def test_bad_input_is_one_line_with_the_remedy(arguments: list[str], words: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("a file")
    fill(tmp_path / "one", 5, labels=("cat",))
    fill(tmp_path / "two", 5)
    assert words in complaint_of(*(argument.format(tmp_path) for argument in arguments))


@pytest.mark.tensorflow
def test_a_head_on_nothing_and_an_unreadable_picture_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, 5)
    start = ("--data", str(tmp_path), "--weights", "none", "--size", "32", "--out", str(tmp_path / "out/model.keras"))
    assert "--train-layers all" in complaint_of(*start, "--train-layers", "head")
    assert "here every layer learns" in complaint_of(*start, "--fine-tune", "2")
    assert "TF_CONFIG" in complaint_of(*start, "--distribute", "workers")
    (tmp_path / "dog" / "note.jpg").write_text("not a picture")
    assert "note.jpg is not a picture" in complaint_of(*start)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.tensorflow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to: /proc")
def test_a_place_that_cannot_be_written_is_told_before_training(tmp_path: Path) -> None:
    fill(tmp_path, 5)
    said = complaint_of("--data", str(tmp_path), "--weights", "none", "--size", "32", "--out", "/proc/new/model.keras")
    assert "cannot be written" in said


@pytest.mark.tensorflow
def test_a_rate_is_looked_for_and_nothing_else_is_left(tmp_path: Path) -> None:
    for label, shade in (("day", 200), ("night", 40)):
        (tmp_path / label).mkdir()
        for index in range(12):
            Image.new("RGB", (40, 40), (shade, shade + index, shade)).save(tmp_path / label / f"{index}.png")
    start = ("--data", str(tmp_path), "--weights", "none", "--size", "32", "--out", str(tmp_path / "out/model.keras"))
    done = run(*start, "--find-rate", "--batch", "8")
    assert done.returncode == 0, done.stderr
    assert "the loss falls fastest at" in done.stdout and "then --learning-rate RATE" in done.stdout
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.rates.png"]
