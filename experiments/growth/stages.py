"""The stages that are measured, each a command in a process of its own."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from experiments.support import ANY_ACCURACY, ROOT

SAMPLING_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a command took. seconds: of wall time. cpu: of all cores together.

    mebibytes: largest resident memory of its own, without files that are mapped, which the operating system writes back
    and takes away when it needs memory. with_files: largest resident memory with these.
    """

    seconds: float
    cpu: float
    mebibytes: int
    with_files: int


def stages(data: Path, work: Path, size: int, backbone: str, weights: str) -> dict[str, list[str]]:
    """The command of each stage by its name, in their order; the folder of work is empty."""
    model, artifact = work / "model.keras", work / "model.int8.onnx"
    train = [
        "train/run.py", "--data", str(data), "--out", str(model), "--backbone", backbone, "--weights", weights,
        "--size", str(size), "--head", "lbfgs",
    ]  # fmt: skip
    # What is measured is the cost: the labels of these images mean nothing, so no limit of accuracy applies.
    return {
        "train": train,
        "convert to int8": ["convert/run.py", str(model), str(artifact), "--precision", "int8", *ANY_ACCURACY],
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
        own, (finished, status, usage) = 0, os.wait4(process.pid, os.WNOHANG)
        while not finished:
            own = max(own, own_memory(process.pid))
            time.sleep(SAMPLING_SECONDS)
            finished, status, usage = os.wait4(process.pid, os.WNOHANG)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with exit code {process.returncode}:\n{log.read_text()}")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(seconds=seconds, cpu=cpu, mebibytes=own // 1024, with_files=usage.ru_maxrss // 1024)


def own_memory(pid: int) -> int:
    """Resident memory of a process and its children that is no mapped file, in kibibytes; 0 where it just ended."""
    process = Path(f"/proc/{pid}")
    try:
        lines = (process / "status").read_text().splitlines()
        children = (process / f"task/{pid}/children").read_text().split()
    except OSError:
        return 0
    own = next((int(line.split()[1]) for line in lines if line.startswith("RssAnon:")), 0)
    return own + sum(own_memory(int(child)) for child in children)
