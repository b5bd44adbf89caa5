"""One backbone: its training, its conversions, and the rows of the table."""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from convert.targets import rejected_path
from convert.verification.accuracy_gate import GateLimits, violations
from experiments.support import ROOT, run_program
from temper.artifact import Artifact
from temper.card import PRECISIONS, read_card
from temper.exit_codes import ExitCode
from temper.runners.load import open_runner
from temper.system.child_process import run_in_child
from train.network.backbones import BACKBONES
from train.network.weight_packages import PACKAGES

SUFFIXES = (".onnx", ".xml")
TIMED_CALLS, WARM_UP_CALLS = 30, 5


def build(name: str, options: argparse.Namespace) -> None:
    """Train a backbone and convert it to both formats at every precision; what is up to date is skipped.

    Raises RuntimeError with the output of a command that fails. That the gate rejects an artifact is no failure.
    """
    model = _model(name, options.work)
    head = ["--weights", "imagenet", "--head", "lbfgs", "--size", str(options.imagenet_size)]
    scratch = ["--weights", "none", "--epochs", str(options.epochs), "--size", str(options.size)]
    start = head if _has_package(name) else scratch
    run_program("train/run.py", "--data", options.photos, "--backbone", name, *start, "--out", model.path)
    for precision in PRECISIONS:
        targets = [model.sibling(precision, suffix).path for suffix in SUFFIXES]
        _convert([str(model.path), *map(str, targets), "--precision", precision])


def rows_of(name: str, work: Path) -> list[list[str]]:
    """The rows of a backbone; none where it was not trained."""
    model = _model(name, work)
    targets = [model.sibling(precision, suffix) for precision in PRECISIONS for suffix in SUFFIXES]
    return [_row(name, model.card.size, target) for target in targets] if model.exists else []


def measure(artifact: Artifact) -> tuple[str, float]:
    """What the runtime says that it executes, and the median CPU time of a call with one image, in milliseconds.

    Every thread of this process counts.
    """
    image = np.zeros((1, artifact.card.size, artifact.card.size, 3), np.uint8)
    seconds = []
    with open_runner(artifact) as runner:
        for _ in range(WARM_UP_CALLS + TIMED_CALLS):
            started = time.process_time()
            runner.predict(image)
            seconds.append(time.process_time() - started)
        return runner.runtime_info().executed, 1000 * statistics.median(seconds[WARM_UP_CALLS:])


def _convert(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "convert/run.py", *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode not in (ExitCode.OK, ExitCode.QUALITY):
        raise RuntimeError(f"convert/run.py {' '.join(words)} ended with exit code {done.returncode}:\n{done.stderr}")


def _model(name: str, work: Path) -> Artifact:
    return Artifact.at(work.resolve() / name / "model.keras")


def _has_package(name: str) -> bool:
    return BACKBONES[name].application in PACKAGES


def _row(name: str, size: int, target: Artifact) -> list[str]:
    weights, artifact = "ImageNet" if _has_package(name) else "scratch", target.name.removeprefix("model.")
    file = target.path if target.exists else rejected_path(target.path)
    if not file.exists():
        # OpenVINO's file is made of the ONNX file of the same precision.
        return [name, weights, str(size), "", artifact, *("",) * 3, "not made: its source was rejected", *("",) * 4]
    card = read_card(file)
    agreement, calibration = card.agreement, card.calibration
    assert agreement is not None
    ran, milliseconds = run_in_child(measure, target) if target.exists else ("", None)
    megabytes = target.bytes / 1e6 if target.exists else None
    return [
        name,
        weights,
        str(card.size),
        f"{100 * agreement.keras_top1:.1f}",
        artifact,
        f"{100 * agreement.top1:.1f}",
        f"{100 * agreement.agreement:.2f}",
        f"{agreement.max_difference:.4f}",
        "passed" if target.exists else "; ".join(violations(agreement, GateLimits(), card.precision)),
        ", ".join(each.layer for each in calibration.excluded) if calibration else "",
        ran,
        "" if megabytes is None else f"{megabytes:.1f}",
        "" if milliseconds is None else f"{milliseconds:.2f}",
    ]
