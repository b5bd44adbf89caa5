"""What a converter gets and gives: the interface between the pipeline and the formats."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from convert.dataset import ModelDataset
from convert.settings import ConversionSettings
from temper.artifact import Artifact
from temper.card import BatchRange, Calibration, PlanInfo, Precision
from temper.cli.progress import ProgressCallback, no_progress


@dataclass(frozen=True, kw_only=True)
class Job:
    """One conversion.

    source: the artifact to convert, checked. target: the path to write to, in an empty scratch folder; files that
    belong to it are written beside it. dataset: images to calibrate with.
    """

    source: Artifact
    target: Path
    precision: Precision
    settings: ConversionSettings
    dataset: ModelDataset
    progress: ProgressCallback = no_progress


@dataclass(frozen=True, kw_only=True)
class CardFields:
    """What a converter adds to the card.

    packages: distributions whose versions matter, besides Keras and the runtime.
    """

    batch: BatchRange | None = None
    calibration: Calibration | None = None
    plan: PlanInfo | None = None
    packages: tuple[str, ...] = ()


# Writes a candidate to `job.target` and yields its card fields; asked for another one only when the accuracy gate
# rejects the candidate. Most converters yield once.
Converter = Callable[[Job], Iterator[CardFields]]
