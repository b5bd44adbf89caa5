"""The stages that are measured, each a command in a process of its own."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from experiments.support import ROOT

# What is measured is the cost: the labels of these images mean nothing, so no limit of accuracy applies.
GATE = ("--max-drop", "100", "--max-class-drop", "100", "--min-agreement", "0")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a command took. seconds: of wall time. cpu: of all cores together. mebibytes: largest resident memory."""

    seconds: float
    cpu: float
    mebibytes: int


def stages(data: Path, work: Path, size: int, backbone: str, weights: str) -> dict[str, list[str]]:
    """The command of each stage by its name, in their order; the folder of work is empty."""
    model, artifact = work / "model.keras", work / "model.int8.onnx"
    train = [
        "train/run.py", "--data", str(data), "--out", str(model), "--backbone", backbone, "--weights", weights,
        "--size", str(size), "--head", "lbfgs",
    ]  # fmt: skip
    return {
        "train": train,
        "convert to int8": ["convert/run.py", str(model), str(artifact), "--precision", "int8", *GATE],
        "classify all": ["infer/run.py", "--engine", str(artifact), str(data), "--out", str(work / "rows.jsonl")],
    }


def measure(words: list[str], work: Path) -> Cost:
    """Run a command of the project. Raises RuntimeError when it fails."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(work / "cache")}
    log, started = work / "messages.txt", time.monotonic()
    with log.open("wb") as messages:
        process = subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, env=environment, stdout=messages, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with exit code {process.returncode}:\n{log.read_text()}")
    return Cost(seconds=seconds, cpu=usage.ru_utime + usage.ru_stime, mebibytes=usage.ru_maxrss // 1024)
