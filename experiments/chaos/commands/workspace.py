"""A folder with everything that the commands need, and one working command line of each."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from experiments.chaos.planted import program
from experiments.support import ROOT

SERVE = "serve"
# train/run.py with a small backbone; its first line is the first of that command.
TRAIN = """
from temper.system.early_signals import exit_at_signals
exit_at_signals()
from tests.train.tiny import main
main()
"""
# What needs seconds of a processor for every run, beside what is immediate.
SLOW = ("benchmark", "train")


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


def make_workspace(folder: Path) -> Workspace:
    """Make the files of a workspace in an empty folder, or one that does not exist."""
    from temper.artifact import Artifact
    from tests import tiny

    folder.mkdir(parents=True, exist_ok=True)
    workspace = Workspace(folder=folder)
    tiny.bundle(folder)
    shutil.copytree(workspace.images, folder / "scanned")
    tiny.pipeline_of(workspace.model).build(Artifact.at(workspace.openvino), "fp32")
    return workspace


def command_lines(workspace: Workspace) -> Mapping[str, list[str]]:
    """By name, a command line of every command that ends with 0; that of the server runs until it is stopped.

    Each may be repeated: what it writes is its own.
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
        "convert int8": _conversion(workspace, "model.int8.onnx", "int8"),
        "convert fp16": _conversion(workspace, "model.fp16.xml", "fp16"),
        "benchmark": [
            "benchmarks", onnx, "--quick", "--seconds", "0.2", "--cold-starts", "1", "--out", str(folder / "report"),
        ],
    }  # fmt: skip
    commands = {
        name: [sys.executable, *program([str(ROOT / words[0] / "run.py"), *words[1:]])] for name, words in lines.items()
    }
    return {**commands, "train": _training(workspace)}


def _training(workspace: Workspace) -> list[str]:
    return [
        sys.executable, "-c", TRAIN, "--data", str(workspace.images), "--out", str(workspace.folder / "trained.keras"),
        "--backbone", "tiny", "--weights", "none", "--size", "32", "--epochs", "2", "--batch", "16", "--accept-leaks",
        "--force",
    ]  # fmt: skip


def _conversion(workspace: Workspace, name: str, precision: str) -> list[str]:
    words = ["convert", str(workspace.model), str(workspace.folder / name), "--precision", precision, "--force"]
    # The accuracy of 16 images says nothing.
    return [*words, "--calibration-images", "8", "--max-float-layers", "0", "--max-drop", "100",
            "--max-class-drop", "100", "--min-agreement", "0"]  # fmt: skip


def forget_results(workspace: Workspace, name: str) -> None:
    """Remove what a command has written that it would not write again."""
    if name == "draw":
        shutil.rmtree(workspace.folder / "drawn", ignore_errors=True)
    rows = workspace.folder / "rows.jsonl"
    # A job that was interrupted goes on.
    if name == "classify --out" and rows.exists():
        rows.unlink()
