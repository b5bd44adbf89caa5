"""Every kind of backbone can be trained, converted, quantized and used for inference."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from temper.artifact import Artifact
from tests import tiny
from train.network.backbones import BACKBONES

ROOT = Path(__file__).parents[3]


def test_every_backbone_has_a_pattern_of_its_top_that_compiles() -> None:
    for backbone in BACKBONES.values():
        assert re.compile(backbone.top)
        assert len(backbone.mean) == len(backbone.deviation) == 3


def run(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.parametrize("name", ["mobilenetv2", "mobilenetv3large", "efficientnetv2b0", "convnexttiny"])
def test_a_backbone_is_trained_converted_quantized_and_used(name: str, tmp_path: Path) -> None:
    images = [path for path, _ in tiny.draw(tmp_path / "images", 40)]
    model = Artifact.at(tmp_path / "model.keras")
    # From scratch and short: a few steps give BatchNorm statistics of real activations.
    options = ("--weights", "none", "--size", "32", "--epochs", "2", "--batch", "8")
    run("train/run.py", "--data", tmp_path / "images", "--backbone", name, *options, "--out", model.path)
    assert model.card.training is not None
    assert model.card.training.config["backbone"] == name
    # After such a short training the accuracy is low, and this test does not examine what int8 changes.
    lenient = ("--min-agreement", "0", "--max-drop", "100", "--max-class-drop", "100", "--calibration-images", "48")
    for precision in ("fp32", "int8"):
        target = Artifact.at(tmp_path / f"model.{precision}.onnx")
        run("convert/run.py", model.path, target.path, "--precision", precision, *lenient)
        assert target.card.agreement is not None
        assert np.isfinite(target.card.agreement.max_difference)
        assert precision == "int8" or target.card.agreement.max_difference < 1e-3
        assert run("infer/run.py", "--engine", target.path, *images[:2]).count("%") == 2
