"""All artifacts of all networks in one interleaved benchmark, on the same validation and test images."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.analysis.report import Control
from benchmarks.analysis.summarize import summarize_control
from benchmarks.benchmark import PACKAGES, conditions
from benchmarks.cases import Case
from benchmarks.config import BenchmarkConfig
from benchmarks.evaluation_set import image_arrays
from benchmarks.measurement.samples import Samples
from benchmarks.measurement.session import BenchmarkSession
from choose.options import Network
from choose.prepare import artifact_name
from choose.records import Measurement
from choose.summary import HeldOut, Session, summarize_session
from temper.artifact import Artifact
from temper.cli.progress import ProgressCallback
from temper.dataset.split import Example, Subset, read_split
from temper.errors import DataError, UsageError
from temper.provenance import package_versions
from temper.system.host import describe_host

BATCH_SIZES = (1, 8)
Artifacts = list[tuple[Network, Artifact]]


@dataclass(frozen=True, kw_only=True)
class MeasurementSettings:
    """seconds: of latency samples for each artifact, and of throughput samples for each one and batch size.

    max_images: of the validation images, and of the test images. data: their folder. baseline: name of the artifact
    that others are compared with, "" for the default.
    """

    seconds: float
    max_images: int
    data: Path
    baseline: str = ""


def measure(artifacts: Artifacts, settings: MeasurementSettings, progress: ProgressCallback) -> Measurement:
    """Measure all artifacts. Raises UserError when none of them runs, UsageError for an unknown baseline."""
    names = {artifact_name(*each): each for each in artifacts}
    check_baseline(settings.baseline, names)
    held_out = HeldOut(validation=_images("val", artifacts, settings), test=_images("test", artifacts, settings))
    samples = [Samples.of(Case(name=name, artifact=artifact)) for name, (_, artifact) in names.items()]
    config = BenchmarkConfig(seconds=settings.seconds, batch_sizes=BATCH_SIZES, quick=True)
    before, sizes = conditions(), {network.size for network, _ in artifacts}
    with (
        image_arrays([*held_out.validation, *held_out.test], sizes) as images,
        BenchmarkSession(samples, images, config, progress=progress) as session,
    ):
        control = _run(session)
    measured = Session(
        samples={each: names[each.name][0] for each in samples},
        held_out=held_out,
        control=control,
        conditions={"before": before, "after": conditions()},
    )
    return summarize_session(measured, settings.baseline, key_of(artifacts, settings), settings.seconds)


def check_baseline(name: str, names: Iterable[str]) -> None:
    """Raise UsageError for a baseline that is none of the artifacts. name: "" for the default."""
    if name and name not in names:
        raise UsageError(f"--baseline {name!r} is no artifact", fix=f"Expected one of {', '.join(names)}.")


def key_of(artifacts: Artifacts, settings: MeasurementSettings) -> str:
    """The same for artifacts with the same content, measured on the same images, machine and versions alike."""
    parts = [
        sorted((artifact_name(*each), each[1].card.sha256) for each in artifacts),
        [settings.seconds, settings.max_images, settings.baseline, BATCH_SIZES],
        sorted({dataset.split.sha256 for _, each in artifacts if (dataset := each.card.dataset)}),
        msgspec.to_builtins(describe_host()),
        package_versions(*PACKAGES),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _images(subset: Subset, artifacts: Artifacts, settings: MeasurementSettings) -> list[Example]:
    """Every n-th image of a subset, which preserves the fractions of its labels. All networks have the same split."""
    examples = read_split(artifacts[0][1], subset, settings.data)
    if not examples:
        raise DataError(f"the split holds no {subset} images", fix="Add images for each label.")
    return examples[:: -(-len(examples) // settings.max_images)]


def _run(session: BenchmarkSession) -> Control | None:
    controlled = session.open_control()
    session.predict()
    session.warm_up()
    session.measure_latency()
    session.measure_throughput()
    session.measure_memory()
    return summarize_control(*controlled) if controlled else None
