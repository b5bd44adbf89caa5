"""The whole pipeline on a few drawn images, each stage through its own command, as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import infer.run
from temper.card import Agreement, read_card
from temper.cli import main
from temper.exit_codes import ExitCode
from temper.storage.digest import sha256_of
from tests.source import ROOT

pytestmark = pytest.mark.tensorflow
# One epoch leaves probabilities near one half, whose label any rounding may change.
GENEROUS = ("--min-agreement", 50, "--max-drop", 50, "--max-class-drop", 100, "--max-float-layers", 0)


def command(*words: object) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [sys.executable, *(str(word) for word in words)], capture_output=True, text=True, cwd=ROOT, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


# A tiny backbone; with ResNet50 it takes four minutes.
TRAININGS = {"tiny": ("-m", "tests.train.tiny", "--backbone", "tiny"), "resnet50": ("train/run.py",)}


@pytest.fixture(scope="module", params=["tiny", pytest.param("resnet50", marks=pytest.mark.slow)])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts of all stages: drawn, trained, converted in three precisions, benchmarked."""
    folder = tmp_path_factory.mktemp("pipeline")
    model = folder / "artifacts" / "model.keras"
    command("data/run.py", "draw", folder / "photos", "--train", 24, "--test", 8)
    training = ("--weights", "none", "--size", 32, "--epochs", 1)
    command(*TRAININGS[request.param], "--data", folder / "photos", "--out", model, *training)
    for precision in ("fp32", "fp16", "int8"):
        command("convert/run.py", model, "--precision", precision, *GENEROUS)
    command("benchmarks/run.py", model.parent, "--seconds", 0.05, "--quick", "--cold-starts", 1)
    return folder


def agreement_of(path: Path) -> Agreement:
    agreement = read_card(path).measured_agreement
    assert agreement is not None
    return agreement


def test_every_artifact_has_a_card_that_leads_back_to_the_trained_model(folder: Path) -> None:
    keras = sha256_of(folder / "artifacts" / "model.keras")
    for name in ("fp32.savedmodel", "fp32.onnx", "fp16.onnx", "int8.onnx", "fp32.xml", "fp16.xml", "int8.xml"):
        card = read_card(folder / "artifacts" / f"model.{name}")
        assert card.provenance.model_sha256 == keras
        assert card.labels == ("cat", "dog")
        assert agreement_of(folder / "artifacts" / f"model.{name}").images == 16


def test_fp32_artifacts_give_the_probabilities_of_keras(folder: Path) -> None:
    for name in ("savedmodel", "onnx", "xml"):
        assert agreement_of(folder / "artifacts" / f"model.fp32.{name}").max_difference < 1e-4


@pytest.mark.parametrize("name", ["keras", "fp32.savedmodel", "fp16.onnx", "int8.xml"])
def test_each_of_them_classifies_an_image(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: object) -> str:
        # In this process: TensorFlow takes seconds to import.
        assert main.run(infer.run.parse([str(word) for word in words])) == ExitCode.OK
        return capsys.readouterr().out

    images = sorted((folder / "photos" / "test" / "cat").iterdir())[:2]
    engine = folder / "artifacts" / f"model.{name}"
    lines = run("--engine", engine, *images, "--json").splitlines()
    assert [json.loads(line)["file"] for line in lines] == [str(image) for image in images]
    if name != "keras":
        assert "self-test passed" in run("selftest", engine)


def test_the_report_has_a_row_for_every_artifact_and_keras_first(folder: Path) -> None:
    report = (folder / "artifacts" / "report" / "report.md").read_text()
    names = [line.split(" | ")[0].removeprefix("| ") for line in report.splitlines() if line.startswith("| ")]
    assert next(name for name in names if name.startswith(("Keras", "model"))).startswith("Keras")
    assert {"model.int8.onnx", "model.fp16.xml", "model.fp32.savedmodel"} <= set(names)


def test_a_second_run_converts_nothing_again(folder: Path) -> None:
    model = folder / "artifacts" / "model.keras"
    before = {path: path.stat().st_mtime_ns for path in model.parent.glob("model.*")}
    done = command("convert/run.py", model, "--precision", "int8", *GENEROUS)
    assert "converting" not in done.stderr
    assert "up to date" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in model.parent.glob("model.*")} == before
