"""The networks of NNCF, and what it makes them of."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from temper.artifact import Artifact
from temper.dataset.split import read_split
from temper.images import load_images
from temper.storage.digest import sha256_of


def version_of(package: str, python: Path | str = sys.executable) -> str:
    """The version of a package in the environment of a Python."""
    program = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def keras_export(artifact: Artifact, folder: Path) -> Path:
    """The ONNX file that Keras itself writes of the artifact's model."""
    # Imports TensorFlow.
    from convert.exporters.keras_model import export

    model = artifact.model()
    target = folder / f"{model.card.sha256[:16]}-tf2onnx-{version_of('tf2onnx')}.onnx"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            export(model.path, Path(scratch) / target.name, "onnx")
            (Path(scratch) / target.name).replace(target)
    return target


def quantize_with_nncf(artifact: Artifact, fp32: Path, options: argparse.Namespace) -> Path:
    """The network that NNCF makes of an fp32 ONNX file with the calibration images of the artifact's card."""
    calibration = artifact.card.calibration
    assert calibration, f"{artifact.path} has no calibration"
    name = f"{sha256_of(fp32)[:16]}-{calibration.sha256[:16]}-nncf-{version_of('nncf', options.nncf)}.xml"
    target: Path = options.work / name
    if not target.exists():
        by_name = {f"{each.label}/{each.path.name}": each.path for each in read_split(artifact, "train", options.data)}
        options.work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=options.work) as scratch:
            pixels = Path(scratch) / "pixels.npy"
            images = load_images((by_name[file] for file in calibration.files), artifact.card.size)
            np.save(pixels, np.stack(list(images)))
            program = Path(__file__).with_name("quantize.py")
            subprocess.run([options.nncf.absolute(), program, fp32, pixels, Path(scratch) / name], check=True)
            # The file with the weights first: without it the other one is of no use.
            for made in sorted(Path(scratch).glob(f"{target.stem}.*")):
                made.replace(options.work / made.name)
    return target
