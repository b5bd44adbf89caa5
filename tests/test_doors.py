"""The commands as a user meets them: help at once, and mistakes that end in one message."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.programs
ROOT = Path(__file__).resolve().parents[1]
DOORS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("*/run.py"))
MOST_FLAGS = 30
MOST_SECONDS_FOR_HELP = 5


def run(*words: object, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A door in a process of its own; its path is relative to the project."""
    door, *rest = (str(word) for word in words)
    return subprocess.run(
        [sys.executable, str(ROOT / door), *rest],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )


@pytest.mark.parametrize("door", DOORS)
def test_help_comes_at_once_and_says_what_the_docstring_says(door: str) -> None:
    started = time.monotonic()
    done = run(door, "--help")
    assert done.returncode == 0
    assert time.monotonic() - started < MOST_SECONDS_FOR_HELP
    assert (ROOT / door).read_text().split('"""')[1].splitlines()[0] in done.stdout


@pytest.mark.parametrize("door", DOORS)
def test_a_wrong_flag_is_two(door: str) -> None:
    assert run(door, "--no-such-flag").returncode == 2


def complains(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("error: "), done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def picture(path: Path) -> Path:
    Image.new("RGB", (20, 20), (200, 0, 0)).save(path)
    return path


def test_infer_without_the_artifact(tmp_path: Path) -> None:
    complains(run("infer/run.py", "--engine", tmp_path / "none.onnx", picture(tmp_path / "a.png")), "does not exist")


def test_infer_with_an_artifact_without_a_card(bundle: Path) -> None:
    bundle.with_name("model.fp32.onnx.json").unlink()
    done = run("infer/run.py", "--engine", bundle.with_name("model.fp32.onnx"), picture(bundle.with_name("a.png")))
    complains(done, "has no card", "make convert")


def test_infer_with_a_truncated_artifact(bundle: Path) -> None:
    artifact = bundle.with_name("model.fp32.onnx")
    artifact.write_bytes(artifact.read_bytes()[:1000])
    complains(run("infer/run.py", "--engine", artifact, picture(bundle.with_name("a.png"))), "truncated")


def test_infer_with_an_unknown_suffix(tmp_path: Path) -> None:
    (tmp_path / "model.engine").touch()
    done = run("infer/run.py", "--engine", tmp_path / "model.engine", picture(tmp_path / "a.png"))
    complains(done, "no suffix that Temper knows", ".onnx")


def test_infer_with_an_empty_folder(bundle: Path) -> None:
    empty = bundle.with_name("empty")
    empty.mkdir()
    done = run("infer/run.py", "--engine", bundle.with_name("model.fp32.onnx"), empty)
    complains(done, "holds no pictures")


def test_infer_goes_on_after_what_cannot_be_read(bundle: Path) -> None:
    text, good = bundle.with_name("text.jpg"), picture(bundle.with_name("good.png"))
    text.write_text("not a picture")
    done = run(
        "infer/run.py", "--engine", bundle.with_name("model.fp32.onnx"), text, bundle.with_name("none.jpg"), good
    )
    complains(done, "text.jpg is not a picture", "none.jpg does not exist")
    assert "good.png: red" in done.stdout


def test_convert_without_a_model(tmp_path: Path) -> None:
    complains(run("convert/run.py", tmp_path / "model.keras"), "does not exist", "make train")


def test_convert_to_an_unknown_suffix(bundle: Path) -> None:
    complains(run("convert/run.py", bundle, bundle.with_name("model.engine")), "no suffix that Temper knows")


def test_bench_of_an_empty_folder(tmp_path: Path) -> None:
    complains(run("benchmarks/run.py", tmp_path), "make train")


@pytest.mark.parametrize(
    ("labels", "words"), [((), "holds no pictures"), (("cat",), "one label only")], ids=["no label", "one label"]
)
def test_train_on_too_little(tmp_path: Path, labels: tuple[str, ...], words: str) -> None:
    for label in labels:
        (tmp_path / "photos" / label).mkdir(parents=True)
        picture(tmp_path / "photos" / label / "a.png")
    (tmp_path / "photos").mkdir(exist_ok=True)
    done = run("train/run.py", "--data", tmp_path / "photos", "--out", tmp_path / "model.keras", "--weights", "none")
    complains(done, words)


def test_train_on_a_missing_folder(tmp_path: Path) -> None:
    complains(run("train/run.py", "--data", tmp_path / "none", "--out", tmp_path / "model.keras"), "is not a folder")
