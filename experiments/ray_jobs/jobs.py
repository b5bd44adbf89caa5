"""What the experiments of this folder have in common: images, the command, its processes, and a check of its rows."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from experiments.support import ROOT, descendants

DISTINCT = 200
WAIT_SECONDS, POLL_SECONDS = 180.0, 0.02


@dataclass(frozen=True, kw_only=True)
class Job:
    """A tiny artifact, a folder of images of which some are damaged, and the folder of the results."""

    artifact: Path
    images: Path
    out: Path
    n_images: int
    n_damaged: int

    def command(self, address: str) -> list[str]:
        """The command line of the job."""
        options = ["--engine", self.artifact, "--ray", address, "--out", self.out, self.images]
        return [sys.executable, str(ROOT / "infer" / "run.py"), *map(str, options)]

    def rows(self) -> int:
        """Rows in the part files, as their footers say."""
        import pyarrow.parquet

        return sum(pyarrow.parquet.read_metadata(part).num_rows for part in self.out.glob("part-*.parquet"))


@dataclass(frozen=True, kw_only=True)
class Check:
    """How the rows compare with the images. twice: rows beyond the first of a path. wrong: another label or error."""

    rows: int
    missing: int
    twice: int
    damaged_marked: int
    wrong: int
    leftovers: int

    @property
    def is_right(self) -> bool:
        """Every image has one right row."""
        return not (self.missing or self.twice or self.wrong or self.leftovers)


def make_job(folder: Path, n_images: int, n_damaged: int) -> Job:
    """Draw images: links to 200 different ones, and damaged files of different content between them."""
    from tests import tiny

    keras = tiny.bundle(folder / "bundle")
    drawn = [path for path, _ in tiny.draw(folder / "drawn", DISTINCT // 2, seed=1)]
    images = folder / "images"
    for i in range(n_images):
        path = images / f"{i % 10}" / f"{i:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if i * n_damaged // n_images != (i + 1) * n_damaged // n_images:
            path.write_bytes(b"\x89PNG damaged %d" % i)
        else:
            os.link(drawn[i % DISTINCT], path)
    artifact = keras.with_name("model.fp32.onnx")
    return Job(artifact=artifact, images=images, out=folder / "out", n_images=n_images, n_damaged=n_damaged)


def check(job: Job) -> Check:
    """Compare the rows with the images, and their labels with those that one process gives."""
    import pyarrow.parquet

    import temper
    from temper.storage.digest import sha256_of

    rows = pyarrow.parquet.read_table(job.out).to_pylist()
    counts = Counter(row["file"] for row in rows)
    paths = [str(path) for path in job.images.rglob("*.png")]
    drawn = sorted((job.images.parent / "drawn").rglob("*.png"))
    with temper.load(job.artifact) as classifier:
        labels = {sha256_of(path): result.label for path, result in zip(drawn, classifier(drawn), strict=True)}
    return Check(
        rows=len(rows),
        missing=sum(path not in counts for path in paths),
        twice=sum(count - 1 for count in counts.values()),
        damaged_marked=sum(bool(row["error"]) for row in rows),
        wrong=sum(bool(row["error"]) == (row["sha256"] in labels) for row in rows)
        + sum(row["label"] != labels.get(row["sha256"], "") for row in rows),
        leftovers=sum(not each.name.startswith(("part-", "_job.json")) for each in job.out.iterdir()),
    )


@contextlib.contextmanager
def started(command: list[str], **options: object) -> Iterator["subprocess.Popen[str]"]:
    """Start a command that is killed, with all that it has started, at the end of the block."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )  # type: ignore[call-overload]
    try:
        yield process
    finally:
        for pid in (*descendants(process.pid), process.pid):
            kill(pid)
        process.communicate(timeout=WAIT_SECONDS)


def finish(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Wait for the end; returns the exit code and the text. Raises subprocess.TimeoutExpired after three minutes."""
    text, _ = process.communicate(timeout=WAIT_SECONDS)
    return process.returncode, text


def wait_until(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> bool:
    """Wait for a condition; False if the process ends before. Raises TimeoutError after three minutes."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if process.poll() is not None:
            return False
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing happened in {WAIT_SECONDS:g} s")
        time.sleep(POLL_SECONDS)
    return True


def kill(pid: int) -> None:
    """kill -9; a process that has ended already is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
