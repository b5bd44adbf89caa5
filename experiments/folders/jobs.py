"""Jobs over folders of images, as experiments run, measure and kill them."""

import itertools
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measurement.end_to_end import label_one_by_one
from experiments.support import ROOT, resident_mib
from temper.artifact import Artifact
from temper.choose import choose
from temper.cli.progress import ProgressCallback
from temper.images import images_in, load_images
from temper.infer.classify import classify
from temper.infer.flow import Flow
from temper.infer.job import Job, run_job
from temper.infer.job_settings import JobSettings
from temper.infer.sources import SourceOptions, iterate_named
from temper.runners.base import Images, Runner
from temper.runners.load import open_runner

SIZE, QUALITY = (500, 375), 90
BATCHES = (1, 2, 4, 8, 16, 32)
SUFFIXES = (".int8.xml", ".int8.onnx", ".fp32.xml", ".fp32.onnx")
# The loop is slow, and each of its images costs the same.
KERAS_IMAGES = 40
SAMPLE_SECONDS = 0.5
MEMORY_ROWS = 11
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Images per second of an artifact, by round."""

    artifact: str
    batch: int
    network: list[float]
    job: list[float]
    keras: list[float]

    def row(self) -> tuple[str, ...]:
        """A row of the table."""
        return (
            self.artifact,
            str(self.batch),
            f"{statistics.median(self.network):.1f}",
            f"{statistics.median(self.job):.1f}",
            _ratio(self.job, self.network, 3),
            _ratio(self.job, self.keras, 1),
        )


def resize_photos(photos: Path, target: Path, count: int, progress: ProgressCallback) -> list[Path]:
    """Write `count` photos as JPEGs of SIZE to a folder."""
    target.mkdir(parents=True)
    made = []
    for number, path in enumerate(images_in(photos)[:count], start=1):
        with Image.open(path) as image:
            made.append(target / f"{number:06}.jpg")
            image.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC).save(made[-1], quality=QUALITY)
        progress("resizing photos", number, count)
    return made


def link_photos(photos: list[Path], target: Path, count: int) -> Path:
    """A folder with `count` symbolic links to the photos."""
    target.mkdir(parents=True)
    for number, photo in zip(range(count), itertools.cycle(photos), strict=False):
        (target / f"{number:08}.jpg").symlink_to(photo)
    return target


def measure_batches(
    artifacts: Path, rounds: int, seconds: float, progress: ProgressCallback
) -> dict[str, dict[int, float]]:
    """Median images per second of each network alone, by the size of the batch."""
    runners = [open_runner(each) for each in _artifacts(artifacts)]
    images = np.random.default_rng(0).integers(0, 256, (max(BATCHES), *[runners[0].card.size] * 2, 3), np.uint8)
    cases = list(itertools.product(runners, BATCHES))
    rates: dict[tuple[str, int], list[float]] = {(runner.artifact.name, batch): [] for runner, batch in cases}
    for runner, batch in cases:
        runner.predict(images[:batch])
    for number in range(rounds):
        for runner, batch in cases:
            rates[runner.artifact.name, batch].append(_network_rate(runner, [images[:batch]], seconds / len(BATCHES)))
        progress("measuring batches", number + 1, rounds)
    for runner in runners:
        runner.close()
    return {
        runner.artifact.name: {batch: statistics.median(rates[runner.artifact.name, batch]) for batch in BATCHES}
        for runner in runners
    }


def measure_rates(
    artifacts: Path, photos: list[Path], rounds: int, seconds: float, progress: ProgressCallback
) -> list[Rate]:
    """Network alone, complete job and Keras loop of each artifact, in interleaved rounds."""
    keras = open_runner(Artifact.at(next(artifacts.glob("*.keras"))), "predict")
    runners = [open_runner(each) for each in _artifacts(artifacts)]
    rates = [Rate(artifact=each.artifact.name, batch=each.best_batch, network=[], job=[], keras=[]) for each in runners]
    decoded = np.stack(list(load_images(photos[: 4 * max(BATCHES)], keras.card.size)))
    # The first round is not counted: everything is warm afterwards.
    for number in range(rounds + 1):
        loop = KERAS_IMAGES / label_one_by_one(keras, photos[:KERAS_IMAGES]).seconds
        for runner, rate in zip(runners, rates, strict=True):
            batches = [decoded[i : i + rate.batch] for i in range(0, len(decoded) - rate.batch + 1, rate.batch)]
            network = _network_rate(runner, batches, seconds / 2)
            job = job_rate(runner, photos[0].parent, photos[0].parent.with_name(f"{number}-{rate.artifact}.jsonl"))
            # Before and after the job: what the machine does meanwhile changes both.
            network = (network + _network_rate(runner, batches, seconds / 2)) / 2
            if number:
                rate.network.append(network)
                rate.job.append(job)
                rate.keras.append(loop)
        progress("measuring jobs", number, rounds)
    return rates


def job_rate(runner: Runner, folder: Path, out: Path) -> float:
    """Images per second of a job, as the command runs it when the artifact is loaded."""
    settings = JobSettings(artifact=runner.artifact.name, sha256="", top_k=1, threshold=None)
    started = time.perf_counter()
    with Job(out, settings) as job:
        flow = Flow(is_done=job.is_done)
        images = iterate_named([str(folder)], SourceOptions())
        run_job(job, classify(runner, images, flow=flow), runner.best_batch, flow, lambda _: None)
        return job.classified / (time.perf_counter() - started)


def start_job(artifact: Path, source: Path, out: Path) -> "subprocess.Popen[bytes]":
    """The command as a user starts it, in a process of its own."""
    words = ["infer/run.py", "--engine", str(artifact), str(source), "--out", str(out)]
    return subprocess.Popen([sys.executable, *words], cwd=ROOT, stderr=subprocess.DEVNULL)


def measure_memory(
    artifacts: Path, photos: list[Path], links: int, progress: ProgressCallback
) -> list[tuple[int, float]]:
    """Rows written and resident MiB during a job over links, about MEMORY_ROWS samples of equal distance."""
    folder = link_photos(photos, photos[0].parent.with_name("links"), links)
    out = folder.with_name("links.jsonl")
    samples = []
    job = start_job(choose(artifacts).path, folder, out)
    while job.poll() is None:
        time.sleep(SAMPLE_SECONDS)
        rows, mib = count_rows(out), _resident_mib(job.pid)
        if rows and mib:
            samples.append((rows, mib))
        progress("measuring memory", min(rows, links - 1), links)
    if job.returncode:
        raise RuntimeError(f"the job ended with exit code {job.returncode}")
    return [samples[i] for i in sorted({round(i * (len(samples) - 1) / (MEMORY_ROWS - 1)) for i in range(MEMORY_ROWS)})]


def count_rows(out: Path) -> int:
    """Complete lines of a file, 0 where there is none."""
    if not out.exists():
        return 0
    with out.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(BLOCK_BYTES), b""))


def _resident_mib(process: int) -> float:
    try:
        return resident_mib(process)
    except OSError:
        return 0.0


def _artifacts(folder: Path) -> list[Artifact]:
    paths = [path for suffix in SUFFIXES for path in sorted(folder.glob(f"*{suffix}"))]
    return [artifact for path in paths if (artifact := Artifact.at(path)).exists]


def _network_rate(runner: Runner, batches: list[Images], seconds: float) -> float:
    images, started = 0, time.perf_counter()
    for batch in itertools.cycle(batches):
        runner.predict(batch)
        images += len(batch)
        if (passed := time.perf_counter() - started) >= seconds:
            return images / passed
    raise ValueError("there are no images")


def _ratio(over: list[float], under: list[float], digits: int) -> str:
    ratios = [a / b for a, b in zip(over, under, strict=True)]
    low, middle, high = (f"{each:.{digits}f}" for each in (min(ratios), statistics.median(ratios), max(ratios)))
    return f"{middle} [{low}, {high}]"
