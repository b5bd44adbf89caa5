"""The steps of a check of a GPU. Each is a process of its own: a crash in native code ends one step, not the check."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.support import ROOT
from temper.artifact import Artifact
from temper.card import PRECISIONS
from temper.errors import IncompatibleMachine

# What an int8 file leaves in floating point is half precision in this plan; the benchmark shows which one is faster.
HALF_FLOATS = "int8.half.plan"
PROGRAM = Path("infer") / "run.py"
# Many times what any step takes: a driver that hangs must not hold a rented machine.
STEP_SECONDS = 3600.0
# The exit code of a step that was stopped, as of the command `timeout`.
STOPPED = 124


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one command did. words: its results; for a failure its message, as it was written."""

    name: str
    command: list[str]
    code: int
    seconds: float
    words: str

    @property
    def passed(self) -> bool:
        """True when the command ended with exit code 0."""
        return self.code == 0


def doctor() -> dict[str, object]:
    """This machine as `infer/run.py doctor --json` describes it. Raises IncompatibleMachine when that does not end."""
    done = _run([str(PROGRAM), "doctor", "--json"])
    if done.returncode == STOPPED:
        raise IncompatibleMachine(
            f"`python infer/run.py doctor` did not end within {STEP_SECONDS:g} s",
            fix="Check whether `nvidia-smi` responds; a driver that does not needs a restart of the machine.",
        )
    return dict(json.loads(done.stdout)["environment"])


def plan_steps(model: Artifact, data: Path | None, options: Sequence[str]) -> Iterator[Step]:
    """Build every plan and test it on the stored images. What was not built is not tested.

    options: of `convert/run.py`, for every plan. data: where the images are now, if they have moved.
    """
    moved = ["--data", str(data)] if data else []
    half = ["--builder-option", "float=fp16"]
    plans = [(precision, f"{precision}.plan", list[str]()) for precision in PRECISIONS] + [("int8", HALF_FLOATS, half)]
    for precision, suffix, extra in plans:
        target = model.path.with_name(f"{model.path.stem}.{suffix}")
        words = [str(model.path), str(target), "--precision", precision, "--force", *moved, *options, *extra]
        built = step(f"build {target.name}", ["convert/run.py", *words])
        yield built
        if built.passed:
            yield self_test(target)


def onnx_steps(model: Artifact) -> Iterator[Step]:
    """Test the ONNX files, which run on the GPU where onnxruntime-gpu is installed."""
    for precision in PRECISIONS:
        if (artifact := model.sibling(precision, ".onnx")).exists:
            yield self_test(artifact.path)


def self_test(path: Path) -> Step:
    """Run an artifact on its stored images and compare it with Keras."""
    return step(f"test {path.name}", [str(PROGRAM), "selftest", str(path)])


def step(name: str, command: list[str]) -> Step:
    """Run one of the project's programs, and show its messages when it has ended. It is stopped after STEP_SECONDS."""
    started = time.monotonic()
    print(f"{name} ...", file=sys.stderr, flush=True)
    done = _run(command)
    words = (done.stdout if done.returncode == 0 else done.stderr).strip()
    print(words, file=sys.stderr, flush=True)
    return Step(
        name=name, command=command, code=done.returncode, seconds=round(time.monotonic() - started, 1), words=words
    )


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, *command]
    try:
        return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=STEP_SECONDS)
    except subprocess.TimeoutExpired as stopped:
        # Of a command that is stopped, bytes even with text=True.
        shown = stopped.stderr.decode(errors="replace") if isinstance(stopped.stderr, bytes) else stopped.stderr or ""
        message = f"error: it did not end within {STEP_SECONDS:g} s and was stopped"
        return subprocess.CompletedProcess(words, STOPPED, stdout="", stderr=f"{shown.rstrip()}\n{message}")
