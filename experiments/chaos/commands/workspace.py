"""A folder with everything that the commands need, and one working command line of each."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from experiments.chaos.planted import program
from experiments.support import ANY_ACCURACY, ROOT

SERVE, CHOOSE, WITH_TEACHER = "serve", "choose", "train --teacher"
# train/run.py with a small backbone; its first line is the first of that command.
TRAIN = """
from temper.system.early_signals import exit_at_signals
exit_at_signals()
from tests.train.tiny import main
main()
"""
# What needs seconds of a processor for every run, beside what is immediate.
SLOW = ("benchmark", "train", WITH_TEACHER, CHOOSE)
# Of tests/choose/networks.py, whose imports take seconds.
BACKBONE, SIZE = "mobilenetv2", 32
# Of the network of `choose`: another split would make another training.
SPLIT = ("--seed", "0", "--held-out-fraction", "0.4")


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The small classifier of the tests, with its images and one conversion."""

    folder: Path

    @property
    def model(self) -> Path:
        """The Keras model: a stand-in that conversions never open."""
        return self.folder / "model.keras"

    @property
    def artifact(self) -> Path:
        """An ONNX artifact with its card."""
        return self.folder / "model.fp32.onnx"

    @property
    def openvino(self) -> Path:
        """An OpenVINO artifact with its card."""
        return self.folder / "model.fp32.xml"

    @property
    def images(self) -> Path:
        """A folder of labeled images."""
        return self.folder / "images"

    @property
    def original(self) -> Path:
        """A model from elsewhere: an ONNX file with float input and without a card."""
        return self.folder / "net.onnx"

    @property
    def teacher(self) -> Path:
        """A trained Keras model; `reset` makes it."""
        return self.folder / "teacher.keras"

    @property
    def chosen(self) -> Path:
        """Where `choose` writes; `reset` puts a trained network there."""
        return self.folder / "chosen"

    @property
    def weights(self) -> Path:
        """A file that is no weights: no network of `choose` can be trained again, so nothing is downloaded."""
        return self.folder / "none.weights.h5"


def make_workspace(folder: Path) -> Workspace:
    """Make the files of a workspace in an empty folder, or one that does not exist."""
    import onnx

    from temper.artifact import Artifact
    from tests import tiny
    from tests.convert.adopt.nets import onnx_net

    folder.mkdir(parents=True, exist_ok=True)
    workspace = Workspace(folder=folder)
    tiny.bundle(folder)
    shutil.copytree(workspace.images, folder / "scanned")
    onnx.save(onnx_net(workspace.model), workspace.original)
    workspace.weights.touch()
    tiny.pipeline_of(workspace.model).build(Artifact.at(workspace.openvino), "fp32")
    return workspace


def command_lines(workspace: Workspace) -> Mapping[str, list[str]]:
    """By name, a command line of every command that ends with 0; that of the server runs until it is stopped.

    Each may be repeated after `reset`: what it writes is its own.
    """
    folder, images = workspace.folder, str(workspace.images)
    onnx, openvino = str(workspace.artifact), str(workspace.openvino)
    many = [images] * 40
    lines = {
        "classify": ["infer", "--engine", onnx, *many],
        "classify --json": ["infer", "--engine", onnx, "--json", *many],
        "classify .xml": ["infer", "--engine", openvino, *many],
        "classify --out": ["infer", "--engine", onnx, "--out", str(folder / "rows.jsonl"), *many],
        "selftest": ["infer", "selftest", onnx],
        "doctor": ["infer", "doctor", onnx],
        "inspect": ["infer", "inspect", openvino, "--json"],
        SERVE: ["infer", "serve", onnx, "--port", "0"],
        "draw": ["data", "draw", str(folder / "drawn"), "--train", "30", "--test", "5"],
        "scan": ["data", "scan", str(folder / "scanned"), "--accept-leaks"],
        "adopt": ["convert", "adopt", *words_to_adopt(workspace)],
        "convert int8": _conversion(workspace, "model.int8.onnx", "int8"),
        "convert fp16": _conversion(workspace, "model.fp16.xml", "fp16"),
        "benchmark": [
            "benchmarks", onnx, "--quick", "--seconds", "0.2", "--cold-starts", "1", "--out", str(folder / "report"),
        ],
        CHOOSE: ["choose", *words_to_choose(workspace)],
    }  # fmt: skip
    commands = {
        name: [sys.executable, *program([str(ROOT / words[0] / "run.py"), *words[1:]])] for name, words in lines.items()
    }
    trained = workspace.folder / "trained.keras"
    student = _training(workspace, trained, "--teacher", str(workspace.teacher))
    return {**commands, "train": _training(workspace, trained), WITH_TEACHER: student}


def words_to_adopt(workspace: Workspace) -> list[str]:
    """What follows the word `adopt`."""
    out = str(workspace.folder / "adopted" / "net")
    return [str(workspace.original), "--data", str(workspace.images), "--out", out]


def words_to_choose(workspace: Workspace) -> list[str]:
    """What follows choose/run.py, for the network that `reset` makes."""
    return [
        "--data", str(workspace.images), "--backbones", BACKBONE, "--sizes", str(SIZE), "--out", str(workspace.chosen),
        "--weights", f"{BACKBONE}={workspace.weights}", *SPLIT, "--precisions", "fp32", "--seconds", "0.05",
    ]  # fmt: skip


def reset(workspace: Workspace, name: str) -> None:
    """Bring the workspace to the state before a command.

    What the command needs and others do not is made, the first time. What it has written and would not write again is
    removed; a job that was interrupted, for example, goes on.
    """
    if name == "draw":
        shutil.rmtree(workspace.folder / "drawn", ignore_errors=True)
    if name == "classify --out":
        (workspace.folder / "rows.jsonl").unlink(missing_ok=True)
    if name == WITH_TEACHER and not workspace.teacher.exists():
        subprocess.run(_training(workspace, workspace.teacher), cwd=ROOT, capture_output=True, check=True)
    if name == CHOOSE:
        if not workspace.chosen.exists():
            _make_network(workspace)
        # The report, whose measurement would be used, and a conversion.
        for each in [*workspace.chosen.glob("*.json"), *workspace.chosen.glob("*/model.fp32.[xb]*")]:
            each.unlink()


def _make_network(workspace: Workspace) -> None:
    from choose.prepare import Training
    from temper.dataset.find import find_examples
    from tests.choose.networks import make_network

    examples = find_examples(workspace.images, 0.4, 0)
    training = Training(data=workspace.images, examples=examples, words=list(SPLIT))
    make_network(workspace.chosen, SIZE, training, str(workspace.weights))


def _training(workspace: Workspace, out: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-c", TRAIN, "--data", str(workspace.images), "--out", str(out), "--backbone", "tiny",
        "--weights", "none", "--size", "32", "--epochs", "2", "--batch", "16", "--accept-leaks", "--force", *more,
    ]  # fmt: skip


def _conversion(workspace: Workspace, name: str, precision: str) -> list[str]:
    words = ["convert", str(workspace.model), str(workspace.folder / name), "--precision", precision, "--force"]
    # The accuracy of 16 images says nothing.
    return [*words, "--calibration-images", "8", "--max-float-layers", "0", *ANY_ACCURACY]
