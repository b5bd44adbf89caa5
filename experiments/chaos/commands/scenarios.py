"""Commands to disturb: what they write, and how a check knows that it is whole."""

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from experiments.chaos.planted import program
from experiments.support import ROOT
from temper.storage.digest import sha256_of

JOB_IMAGES = 60


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A command that is disturbed and started again.

    words: after `python`. folder: what it writes is there. seconds: how long it takes undisturbed. prepare: brings the
    folder to the state before the command. is_whole: nothing is lost or torn, whether the command ended or not.
    is_complete: its result is there.
    """

    words: list[str]
    folder: Path
    seconds: float
    prepare: Callable[[], object]
    is_whole: Callable[[], bool]
    is_complete: Callable[[], bool]


def seconds_of(words: list[str]) -> float:
    """Run a command once, and time it. Raises RuntimeError when it fails."""
    started = time.monotonic()
    done = subprocess.run([sys.executable, *program(words)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with exit code {done.returncode}:\n{done.stderr}")
    return time.monotonic() - started


def draw_scenario(folder: Path) -> Scenario:
    """A sample of a few images: all of it or nothing."""
    target = folder / "drawn"
    words = ["data/run.py", "draw", str(target), "--train", "3", "--test", "1"]
    seconds = seconds_of(words)
    expected = sha256_of(target)
    return Scenario(
        words=words, folder=folder, seconds=seconds,
        prepare=lambda: shutil.rmtree(target, ignore_errors=True),
        is_whole=lambda: not target.exists() or sha256_of(target) == expected,
        is_complete=lambda: sha256_of(target) == expected,
    )  # fmt: skip


def job_scenario(folder: Path) -> Scenario:
    """A job over a folder: whole rows, each image at most once, and in the end exactly once."""
    from tests import tiny

    folder.mkdir(parents=True)
    artifact = tiny.bundle(folder / "bundle").with_name("model.fp32.onnx")
    images, out = folder / "images", folder / "results" / "rows.jsonl"
    images.mkdir()
    sources = sorted((folder / "bundle" / "images").rglob("*.png"))
    for number in range(JOB_IMAGES):
        (images / f"{number:03}.png").symlink_to(sources[number % len(sources)])
    words = ["infer/run.py", "--engine", str(artifact), str(images), "--out", str(out)]

    def prepare() -> None:
        shutil.rmtree(out.parent, ignore_errors=True)
        out.parent.mkdir()

    prepare()
    return Scenario(
        words=words, folder=out.parent, seconds=seconds_of(words), prepare=prepare,
        is_whole=lambda: all(count == 1 for count in rows_of(out).values()),
        is_complete=lambda: list(rows_of(out).values()) == [1] * JOB_IMAGES,
    )  # fmt: skip


def rows_of(out: Path) -> Counter[str]:
    """How often each image has a row; a torn last row does not count, and a torn row before it counts twice."""
    lines = out.read_bytes().splitlines(keepends=True) if out.exists() else []
    counts = Counter[str]()
    for line in lines:
        if line.endswith(b"\n"):
            try:
                counts[json.loads(line)["file"]] += 1
            except ValueError:
                counts["torn"] += 2
    return counts
