import shutil
import sys
from pathlib import Path

import pytest

from experiments.nncf.compare import parse, quantize_with_nncf, speed_rows
from temper.artifact import Artifact
from temper.card import Calibration, read_card, write_card
from temper.dataset.split import read_split
from tests.temper.serve.serving import noise

pytest.importorskip("openvino", reason="OpenVINO is not installed: pip install openvino")


def test_the_environment_of_nncf_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["model.int8.xml"])
    assert "--nncf" in capsys.readouterr().err


def test_every_network_number_of_threads_and_batch_size_has_a_row(made_bundle: Path) -> None:
    network = made_bundle.with_name("model.fp32.onnx")
    images = noise(9)
    rows = speed_rows(network, {"a": network, "b": network}, images, rounds=2)
    cases = [("all", "1"), ("all", "8"), ("1", "1"), ("1", "8")]
    assert [row[:3] for row in rows] == [(name, *case) for name in "ab" for case in cases]
    assert all(float(ratio.split()[0]) > 0 for row in rows for ratio in row[5:])


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
    monkeypatch.setattr("experiments.nncf.compare.__file__", str(program))
    options = parse([str(artifact.path), "--nncf", sys.executable, "--work", str(tmp_path / "work")])
    again = Artifact.at(artifact.path)
    targets = {quantize_with_nncf(again, again.path, options) for _ in range(2)}
    assert len(targets) == 1
    size = again.card.size
    assert targets.pop().read_text() == f"(1, {size}, {size}, 3)"
