"""The commands as a user meets them: immediate help, and errors that end in one message and an exit code."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from temper.exit_codes import ExitCode
from tests.source import ROOT

pytestmark = pytest.mark.programs
COMMANDS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("*/run.py"))
MAX_SECONDS_FOR_HELP = 5
# `--help` must work before anything but the smallest libraries is installed.
WITHOUT_LIBRARIES = (
    "import runpy, sys\n"
    "for name in ('numpy', 'PIL', 'scipy', 'keras', 'tensorflow', 'onnx', 'onnxruntime', 'openvino', 'matplotlib'):\n"
    "    sys.modules[name] = None\n"
    "sys.argv = sys.argv[1:]\n"
    "runpy.run_path(sys.argv[0], run_name='__main__')\n"
)


def run(*words: object, folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """A command in a process of its own; its path is relative to the project."""
    command, *rest = (str(word) for word in words)
    return subprocess.run(
        [sys.executable, str(ROOT / command), *rest],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_immediate(command: str) -> None:
    started = time.monotonic()
    done = run(command, "--help")
    assert done.returncode == 0
    assert time.monotonic() - started < MAX_SECONDS_FOR_HELP
    assert "usage: " in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_library(command: str) -> None:
    words = [sys.executable, "-c", WITHOUT_LIBRARIES, str(ROOT / command), "--help"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_a_usage_error(command: str) -> None:
    assert run(command, "--no-such-option").returncode == ExitCode.USAGE


def fails(done: "subprocess.CompletedProcess[str]", code: ExitCode, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "error: " in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def image(path: Path) -> Path:
    Image.new("RGB", (20, 20), (200, 0, 0)).save(path)
    return path


def test_an_artifact_that_does_not_exist_is_an_artifact_error(tmp_path: Path) -> None:
    done = run("infer/run.py", "--engine", tmp_path / "none.onnx", image(tmp_path / "a.png"))
    fails(done, ExitCode.ARTIFACT, "does not exist")


def test_an_artifact_without_a_card_is_refused_with_the_remedy(bundle: Path) -> None:
    bundle.with_name("model.fp32.onnx.json").unlink()
    done = run("infer/run.py", "--engine", bundle.with_name("model.fp32.onnx"), image(bundle.with_name("a.png")))
    fails(done, ExitCode.ARTIFACT, "has no card", "convert again")


def test_a_truncated_artifact_is_refused(bundle: Path) -> None:
    artifact = bundle.with_name("model.fp32.onnx")
    artifact.write_bytes(artifact.read_bytes()[:1000])
    done = run("infer/run.py", "--engine", artifact, image(bundle.with_name("a.png")))
    fails(done, ExitCode.ARTIFACT, "truncated")


def test_an_artifact_with_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "model.engine").touch()
    done = run("infer/run.py", "--engine", tmp_path / "model.engine", image(tmp_path / "a.png"))
    fails(done, ExitCode.ARTIFACT, "no suffix that Temper knows", ".onnx")


def test_a_folder_without_images_is_a_data_error(bundle: Path) -> None:
    empty = bundle.with_name("empty")
    empty.mkdir()
    done = run("infer/run.py", "--engine", bundle.with_name("model.fp32.onnx"), empty)
    fails(done, ExitCode.DATA, "holds no images")


def test_infer_continues_after_an_image_that_cannot_be_read(bundle: Path) -> None:
    text, good = bundle.with_name("text.jpg"), image(bundle.with_name("good.png"))
    text.write_text("not an image")
    done = run(
        "infer/run.py", "--engine", bundle.with_name("model.fp32.onnx"), text, bundle.with_name("none.jpg"), good
    )
    fails(done, ExitCode.SOME_FAILED, "text.jpg is not an image", "none.jpg does not exist")
    assert "good.png: red" in done.stdout


def test_a_model_that_does_not_exist_is_refused_with_the_command_that_trains_it(tmp_path: Path) -> None:
    fails(run("convert/run.py", tmp_path / "model.keras"), ExitCode.ARTIFACT, "does not exist", "make train")


def test_a_target_with_an_unknown_suffix_is_refused(bundle: Path) -> None:
    done = run("convert/run.py", bundle, bundle.with_name("model.engine"))
    fails(done, ExitCode.ARTIFACT, "no suffix that Temper knows")


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_limit_that_is_no_number_is_a_usage_error(bundle: Path, value: str) -> None:
    fails(run("convert/run.py", bundle, "--max-drop", value), ExitCode.USAGE, "--max-drop")


def test_a_benchmark_of_an_empty_folder_is_refused_with_the_command_that_trains(tmp_path: Path) -> None:
    fails(run("benchmarks/run.py", tmp_path), ExitCode.ARTIFACT, "make train")


@pytest.mark.parametrize(
    ("labels", "words"), [((), "holds no images"), (("cat",), "one label only")], ids=["no label", "one label"]
)
def test_images_of_fewer_than_two_labels_are_a_data_error(tmp_path: Path, labels: tuple[str, ...], words: str) -> None:
    for label in labels:
        (tmp_path / "photos" / label).mkdir(parents=True)
        image(tmp_path / "photos" / label / "a.png")
    (tmp_path / "photos").mkdir(exist_ok=True)
    done = run("train/run.py", "--data", tmp_path / "photos", "--out", tmp_path / "model.keras", "--weights", "none")
    fails(done, ExitCode.DATA, words)


def test_a_training_without_its_folder_is_a_data_error(tmp_path: Path) -> None:
    done = run("train/run.py", "--data", tmp_path / "none", "--out", tmp_path / "model.keras")
    fails(done, ExitCode.DATA, "is not a folder")
