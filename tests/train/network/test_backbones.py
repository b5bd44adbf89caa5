"""Every kind of backbone goes from pictures to labels through the doors: trained, converted, quantised, asked."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from temper.card import read_card
from tests import tiny

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
ROOT = Path(__file__).parents[3]


def run(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["mobilenetv2", "mobilenetv3large", "efficientnetv2b0", "convnexttiny"])
def test_a_backbone_goes_through_every_door(name: str, tmp_path: Path) -> None:
    pictures = [path for path, _ in tiny.draw(tmp_path / "pictures", 40)]
    model = tmp_path / "model.keras"
    # From scratch and short: a few steps give BatchNorm statistics of real activations.
    learning = ("--weights", "none", "--size", "32", "--epochs", "2", "--batch", "8")
    run("train/run.py", "--data", tmp_path / "pictures", "--backbone", name, *learning, "--out", model)
    assert read_card(model).recipe["backbone"] == name
    # What so short a training knows is little, and what int8 makes of it is not the question here.
    lenient = ("--min-agreement", "0", "--max-drop", "100", "--max-class-drop", "100", "--pictures", "48")
    for precision in ("fp32", "int8"):
        target = tmp_path / f"model.{precision}.onnx"
        run("convert/run.py", model, target, "--precision", precision, *lenient)
        assert np.isfinite(read_card(target).agreement["max_difference"])
        said = run("infer/run.py", "--engine", target, *pictures[:2])
        assert said.count("%") == 2
    assert read_card(tmp_path / "model.fp32.onnx").agreement["max_difference"] < 1e-3
