"""The commands of "Your own images" run on drawn images, as the page has them and in its order."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from data.drawn.animals import ANIMALS
from data.drawn.scenes import draw_image
from docs.notebook_execution import LINKED
from tests.makefile import pretend_installed
from tests.source import ROOT
from tests.test_docs import TEXT, lines_of_blocks

PAGE = ROOT / "docs" / "own-images.md"
# What installs the environment and enters it, and a training whose weights are a download of 95 MB: the other one has
# its weights from a package.
LEFT_OUT = (["make", "venv"], [".", ".venv/bin/activate"], ["make", "train", "DATA=photos"])
# What make gets in addition: small images; limits that a few images keep; and as little to measure as there can be.
SHORTER = {
    "train": "SIZE=64",
    "convert": "OPTIONS=--max-drop 50 --max-class-drop 100 --min-agreement 50",
    "bench": "OPTIONS=--quick --seconds 0.05 --cold-starts 1 --batch-sizes 1",
}
IMAGES = 40


def commands() -> list[list[str]]:
    """The words of every command of the page but those that are left out."""
    lines = [shlex.split(line, comments=True) for line in lines_of_blocks(TEXT[PAGE])]
    assert all(words in lines for words in LEFT_OUT)
    return [words for words in lines if words and words not in LEFT_OUT]


def prepare(folder: Path) -> None:
    """What the page begins with: a clone, its environment, and a folder of images for each label."""
    for name in (*LINKED, "requirements.lock"):
        (folder / name).symlink_to(ROOT / name)
    pretend_installed(folder / "environment", ".run", "requirements.lock")
    for label in ANIMALS:
        (folder / "photos" / label).mkdir(parents=True)
        for number in range(1, IMAGES + 1):
            draw_image(label, f"{label}/{number}").save(folder / "photos" / label / f"{number:03}.jpg", quality=92)


def run(words: list[str], folder: Path) -> str:
    """Run a command in the folder; returns what it prints."""
    program, *arguments = words
    if program == "make":
        command = ["make", "VENV=environment", *arguments, SHORTER[arguments[0]]]
    else:
        assert program == "python"
        command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.tensorflow
@pytest.mark.programs
@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_the_commands_run_in_their_order_and_make_what_the_page_names(tmp_path: Path) -> None:
    prepare(tmp_path)
    artifacts = tmp_path / "artifacts"
    printed = {}
    for words in commands():
        if words == ["make", "bench"]:
            # Measuring Keras takes 30 seconds of the processor, and has tests of its own: benchmarks/test_run_keras.py.
            (artifacts / "model.keras").rename(tmp_path / "model.keras")
        printed[" ".join(words[:3])] = run(words, tmp_path)
    assert (tmp_path / "photos" / "scan.html").is_file()
    for name in ("model.html", "model.fp16.onnx", "model.int8.onnx", "report/report.html"):
        assert (artifacts / name).is_file()
    classified = printed["python infer/run.py --engine"]
    assert json.loads(classified)["file"] == "photos/cat/001.jpg"
    assert "model.int8.onnx" in printed["make bench"]
