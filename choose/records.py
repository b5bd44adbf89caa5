"""What choice.json contains. Fractions are in [0, 1]."""

from typing import Literal

from msgspec import Struct

from benchmarks.analysis.report import CaseResult, Control
from benchmarks.analysis.statistics import Estimate
from choose.rule import Limits
from temper.card import Host

SCHEMA: Literal[1] = 1


class Failure(Struct, frozen=True, kw_only=True):
    """A network, or one of its artifacts, that could not be made or measured, and why."""

    name: str
    reason: str


class Measured(Struct, frozen=True, kw_only=True):
    """An artifact with its figures.

    path: relative to the folder of the report. validation: top-1 on validation images. test: everything else; its
    accuracy is that of the test images, with the paired drop from the baseline.
    """

    backbone: str
    size: int
    path: str
    validation: Estimate
    test: CaseResult

    @property
    def name(self) -> str:
        """As in a report: "resnet50-224 int8.xml"."""
        return self.test.name

    @property
    def milliseconds(self) -> float:
        """Median latency at batch 1."""
        return self.test.latency.p50_ms.value if self.test.latency else float("inf")

    @property
    def images_per_second(self) -> float:
        """The highest throughput of all batch sizes."""
        return max((each.images_per_second.value for each in self.test.throughput), default=0.0)

    @property
    def megabytes(self) -> float:
        """Size of all files in millions of bytes."""
        return self.test.costs.megabytes

    @property
    def points_from_baseline(self) -> Estimate | None:
        """The paired difference in test accuracy in percentage points: above 0 it is better than the baseline."""
        drop = self.test.accuracy.drop if self.test.accuracy else None
        return Estimate(*(100 * (0.0 - each) for each in (drop.value, drop.high, drop.low))) if drop else None


class Measurement(Struct, frozen=True, kw_only=True):
    """One interleaved run. key: of artifacts, images, settings, machine and versions; an equal one is not repeated.

    baseline: name of the artifact that others are compared with. batch: the largest batch size. failures: artifacts
    that did not run.
    """

    key: str
    dataset: str
    validation_images: int
    test_images: int
    baseline: str
    batch: int
    seconds: float
    control: Control | None
    host: Host
    versions: dict[str, str]
    conditions: dict[str, dict[str, str]]
    created: str
    artifacts: tuple[Measured, ...]
    failures: tuple[Failure, ...] = ()

    def artifact(self, name: str) -> Measured | None:
        """The artifact of a name."""
        return next((each for each in self.artifacts if each.name == name), None)


class ChoiceReport(Struct, frozen=True, kw_only=True):
    """The choice. chosen: name of the artifact, "" for none. front: names on the Pareto front, fastest first."""

    measurement: Measurement
    failures: tuple[Failure, ...]
    limits: Limits
    chosen: str
    front: tuple[str, ...]
    command: str
    # Without a default: a file that does not contain it is no such report.
    schema: Literal[1]

    @property
    def front_artifacts(self) -> list[Measured]:
        """The artifacts on the Pareto front, fastest first."""
        return [each for name in self.front if (each := self.measurement.artifact(name))]

    @property
    def is_confirmed(self) -> bool:
        """False where the A/A control failed: the machine was too noisy for a recommendation."""
        return self.measurement.control is None or self.measurement.control.passed
