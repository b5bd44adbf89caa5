"""Artifacts that are made to harm; what they do is bounded, and whoever opens them gets one sentence."""

import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from experiments.chaos.artifacts.hostile_archives import GOLDEN, KERAS, SAVED_MODEL
from experiments.chaos.artifacts.hostile_files import FILES, Attack
from experiments.chaos.artifacts.hostile_networks import ONNX, ONNX_FP32, OPENVINO
from experiments.chaos.artifacts.outcomes import Outcomes
from experiments.chaos.artifacts.targets import build_targets, copy_checked, predict, same
from temper.artifact import Artifact
from temper.reference import read_golden
from temper.runners.base import Probabilities
from temper.runners.checks.keras_file import check_keras_file

NETWORKS = ("model.fp32.onnx", "model.int8.onnx", "model.fp32.xml", "model.int8.xml")


@dataclass(frozen=True)
class Case:
    """An attack on an artifact of a name, and how it is then used; None as a result means that nothing was noticed."""

    attack: Attack
    target: str
    use: Callable[[Path], Probabilities | None]


def run(count: int, seed: int, scratch: Path) -> dict[str, Any]:
    """Try the cases in turn.

    ok: loaded, and the predictions are those of the intact artifact. silent: loaded. peak_mib: growth of this process.
    """
    outcomes = Outcomes()
    intact = {each.name: predict(each) for each in build_targets(scratch / "intact")}
    before = _peak_mib()
    for number in range(count):
        case = CASES[number % len(CASES)]
        folder = scratch / f"{case.attack.__name__}-{number}"
        folder.mkdir()
        for file in (scratch / "intact").glob("model.*"):
            os.link(file, folder / file.name)
        case.attack(folder / case.target)
        use = partial(_is_harmless, case, folder / case.target, intact.get(case.target))
        outcomes.attempt(use, f"{case.attack.__name__} {case.target}")
    return {**outcomes.as_dict(), "peak_mib": _peak_mib() - before, "cases": len(CASES)}


def _is_harmless(case: Case, path: Path, expected: Probabilities | None) -> bool:
    result = case.use(path)
    return result is not None and expected is not None and same(result, expected)


def _predict(path: Path) -> Probabilities:
    return predict(Artifact.at(path))


def _read_golden(path: Path) -> None:
    read_golden(Artifact.at(path))


def _check_keras(path: Path) -> None:
    check_keras_file(path, path)


def _copy(path: Path) -> None:
    copy_checked(Artifact.at(path))


# Those that only a check of the network notices come first: a short run has all kinds.
CASES = (
    *(Case(attack, "model.fp32.onnx", _predict) for attack in (*ONNX_FP32, *ONNX)),
    *(Case(attack, "model.int8.onnx", _predict) for attack in ONNX),
    *(Case(attack, name, _predict) for name in NETWORKS[2:] for attack in OPENVINO),
    *(Case(attack, "model.fp32.onnx", _read_golden) for attack in GOLDEN),
    *(Case(attack, "hostile.keras", _check_keras) for attack in KERAS),
    *(Case(attack, "hostile.savedmodel", _copy) for attack in SAVED_MODEL),
    *(Case(attack, name, _predict) for attack in FILES for name in NETWORKS),
)


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
