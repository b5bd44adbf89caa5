"""The whole way on a few drawn pictures, each stage through its own door, as a user walks it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from temper.card import read_card
from temper.storage.atomic import sha256_of

pytestmark = pytest.mark.tensorflow
ROOT = Path(__file__).resolve().parents[1]


def door(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, *(str(word) for word in words)], capture_output=True, text=True, cwd=ROOT, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts of all stages: drawn, trained, converted in three precisions, benchmarked."""
    folder = tmp_path_factory.mktemp("pipeline")
    model = folder / "artifacts" / "model.keras"
    door("data/run.py", "draw", folder / "photos", "--train", 24, "--test", 8)
    words = ("--weights", "none", "--size", 32, "--epochs", 1)
    door("train/run.py", "--data", folder / "photos", "--out", model, *words)
    for precision in ("fp32", "fp16", "int8"):
        # One epoch leaves answers near one half, which any rounding may turn.
        loose = ("--min-agreement", 50, "--max-drop", 50, "--max-class-drop", 100, "--keep", 0)
        door("convert/run.py", model, "--precision", precision, *loose)
    door("benchmarks/run.py", model.parent, "--seconds", 0.05, "--quick")
    return folder


def test_every_artifact_has_a_card_that_leads_back_to_the_trained_model(folder: Path) -> None:
    keras = sha256_of(folder / "artifacts" / "model.keras")
    for name in ("fp32.savedmodel", "fp32.onnx", "fp16.onnx", "int8.onnx", "fp32.xml", "fp16.xml", "int8.xml"):
        card = read_card(folder / "artifacts" / f"model.{name}")
        assert card.made_from["keras_sha256"] == keras
        assert card.labels == ("cat", "dog")
        assert card.agreement["pictures"] == 16


def test_fp32_artifacts_answer_as_keras_does(folder: Path) -> None:
    for name in ("savedmodel", "onnx", "xml"):
        assert read_card(folder / "artifacts" / f"model.fp32.{name}").agreement["max_difference"] < 1e-4


@pytest.mark.parametrize("name", ["keras", "fp32.savedmodel", "fp16.onnx", "int8.xml"])
def test_each_of_them_classifies_a_picture(folder: Path, name: str) -> None:
    pictures = sorted((folder / "photos" / "test" / "cat").iterdir())[:2]
    engine = folder / "artifacts" / f"model.{name}"
    lines = door("infer/run.py", "--engine", engine, *pictures, "--json").splitlines()
    assert [json.loads(line)["file"] for line in lines] == [str(picture) for picture in pictures]
    assert "self-test passed" in door("infer/run.py", "--engine", engine, "--selftest") if name != "keras" else True


def test_the_report_has_a_row_for_every_artifact_and_keras_first(folder: Path) -> None:
    report = json.loads((folder / "artifacts" / "report" / "report.json").read_text())
    names = [line["name"] for line in report["lines"]]
    assert names[0].startswith("Keras")
    assert {"model.int8.onnx", "model.fp16.xml", "model.fp32.savedmodel"} <= set(names)
    assert (folder / "artifacts" / "report" / "report.md").read_text().count("\n| model.") == len(
        [name for name in names if name.startswith("model.")]
    )


def test_a_second_run_makes_nothing_again(folder: Path) -> None:
    model = folder / "artifacts" / "model.keras"
    loose = ("--min-agreement", 50, "--max-drop", 50, "--max-class-drop", 100, "--keep", 0)
    before = {path: path.stat().st_mtime_ns for path in model.parent.glob("model.*")}
    said = door("convert/run.py", model, "--precision", "int8", *loose)
    assert "making" not in said
    assert {path: path.stat().st_mtime_ns for path in model.parent.glob("model.*")} == before
