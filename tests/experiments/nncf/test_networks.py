import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.nncf.compare import parse
from experiments.nncf.networks import quantize_with_nncf, version_of
from temper.artifact import Artifact
from temper.card import Calibration, read_card, write_card
from temper.dataset.split import read_split


def test_nncf_gets_the_calibration_images_of_the_card_and_runs_once(
    made_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("model.fp32.onnx", "model.fp32.onnx.json", "model.split.csv"):
        shutil.copy(made_bundle.with_name(name), tmp_path)
    artifact = Artifact.at(tmp_path / "model.fp32.onnx")

    (first, *_) = read_split(artifact, "train")
    files = (f"{first.label}/{first.path.name}",)
    write_card(
        artifact.path,
        read_card(artifact.path).changed(calibration=Calibration(images=1, seed=0, sha256="ab" * 32, files=files)),
    )
    program = tmp_path / "quantize.py"
    program.write_text(
        "import sys, numpy, pathlib\npixels = numpy.load(sys.argv[2])\n"
        "with open(sys.argv[3], 'a') as file: file.write(str(pixels.shape))\n"
    )
    monkeypatch.setattr("experiments.nncf.networks.__file__", str(program))
    monkeypatch.setattr("experiments.nncf.networks.version_of", lambda package, python: "1.0")
    options = parse([str(artifact.path), "--nncf", sys.executable, "--work", str(tmp_path / "work")])
    again = Artifact.at(artifact.path)
    targets = {quantize_with_nncf(again, again.path, options) for _ in range(2)}
    assert len(targets) == 1
    assert list((tmp_path / "work").iterdir()) == list(targets)
    size = again.card.size
    assert targets.pop().read_text() == f"(1, {size}, {size}, 3)"


def test_the_version_of_a_package_is_that_of_the_named_python() -> None:
    assert version_of("numpy") == np.__version__
