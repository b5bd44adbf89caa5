"""int8 with a mixed-precision fallback: when the gate rejects it, the most sensitive layers stay in floating point."""

import logging
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import onnx

from convert.job import CardFields, Job
from convert.precision.calibration import METHODS, Method
from convert.precision.calibration_sample import MIN_CALIBRATION_IMAGES, describe_sample, draw_sample
from convert.precision.quantizer import Quantizer
from temper.artifact import Artifact
from temper.runners.base import Images
from temper.runners.load import load_runner
from temper.storage.digest import sha256_of

LOGGER = logging.getLogger("temper.convert")
TRIAL_IMAGES = 128
TIMED_CALLS = 30
PACKAGES = ("onnx", "onnxruntime")


def convert(job: Job) -> Iterator[CardFields]:
    """Candidates with 0, 1, 2, 4, … layers in floating point, up to `max_float_layers`."""
    quantizer = _quantizer(job)
    methods = METHODS if job.settings.calibration_method == "auto" else (job.settings.calibration_method,)
    differences = quantizer.compare_methods(methods)
    method = next(iter(differences))
    calibration = msgspec.structs.replace(
        describe_sample(quantizer.sample, job.settings.seed), method=method, mean_abs_diff=dict(differences)
    )
    onnx.save(quantizer.quantized(method), job.target)
    yield CardFields(calibration=calibration, packages=PACKAGES)
    # The first candidate was rejected: the generator is resumed for nothing else.
    limit = job.settings.max_float_layers
    ranked = quantizer.sensitivities(method) if limit else []
    for count in doubling(min(limit, len(ranked))):
        excluded = tuple(ranked[:count])
        names = tuple(each.layer for each in excluded)
        LOGGER.info("%s: in floating point: %s", job.target.name, ", ".join(names))
        onnx.save(quantizer.quantized(method, names), job.target)
        slowdown = _slowdown(quantizer, job, method)
        fields = msgspec.structs.replace(calibration, excluded=excluded, slowdown=slowdown)
        yield CardFields(calibration=fields, packages=PACKAGES)


def doubling(limit: int) -> list[int]:
    """1, 2, 4, … up to the limit, which is the last; empty for 0.

    >>> doubling(6)
    [1, 2, 4, 6]
    """
    return sorted({min(1 << i, limit) for i in range((limit - 1).bit_length() + 1)}) if limit else []


def _quantizer(job: Job) -> Quantizer:
    dataset, settings = job.dataset, job.settings
    training = dataset.examples("train")
    sample = draw_sample(training, settings.calibration_images, settings.seed)
    if len(sample) < MIN_CALIBRATION_IMAGES:
        LOGGER.warning("Only %d calibration images; use %d or more", len(sample), MIN_CALIBRATION_IMAGES)
    # The test subset is for the gate alone.
    calibrating = {each.path for each in sample}
    others = dataset.examples("val") or [each for each in training if each.path not in calibrating] or training
    drawn = draw_sample(others, TRIAL_IMAGES, settings.seed)
    trial = np.concatenate(list(dataset.batches(drawn, job.progress, "reading images to compare on")))
    return Quantizer(source=job.source.path, dataset=dataset, sample=sample, trial_images=trial, progress=job.progress)


def _slowdown(quantizer: Quantizer, job: Job, method: Method) -> float:
    """CPU time of a call with layers in floating point, over one without: ratio of medians of interleaved calls."""

    def artifact(path: Path) -> Artifact:
        return Artifact.with_card(path, job.source.card.changed(precision="int8", sha256=sha256_of(path)))

    with tempfile.TemporaryDirectory() as scratch:
        full = Path(scratch) / "full.onnx"
        onnx.save(quantizer.quantized(method), full)
        return _time_ratio(artifact(job.target), artifact(full), quantizer.trial_images[:1])


def _time_ratio(numerator: Artifact, denominator: Artifact, image: Images) -> float:
    seconds: tuple[list[float], list[float]] = ([], [])
    with load_runner(numerator) as first, load_runner(denominator) as second:
        for _ in range(TIMED_CALLS):
            for runner, spent in zip((first, second), seconds, strict=True):
                started = time.process_time()
                runner.predict(image)
                spent.append(time.process_time() - started)
    return statistics.median(seconds[0]) / statistics.median(seconds[1])
