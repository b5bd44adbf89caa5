"""All samples of one case, and of one peak kernel."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from benchmarks.cases import Case
from benchmarks.measurement.end_to_end import EndToEndRun, Method
from benchmarks.measurement.latency_budget import RateWithinLimit
from benchmarks.measurement.mlperf import ScenarioRun
from benchmarks.measurement.peak_compute import PeakPrecision, gops
from benchmarks.measurement.timing import Calls
from temper.errors import UserError
from temper.runners.base import Probabilities, Runner, RuntimeInfo
from temper.runners.load import open_runner

LOGGER = logging.getLogger("temper.benchmarks")


@dataclass(kw_only=True, eq=False)
class Samples:
    """Samples of a case.

    open_runner: is called in the process of the case. skipped: why measuring it has ended; "" while it runs.
    stable: the latency became stable during warm-up. latency: sample blocks at batch 1. network: the same without
    copies to the device; empty where nothing is copied. throughput: sample blocks of each batch size.
    end_to_end: runs by title of the files and method. peak_rss_mib, gpu_mib: memory of the process.
    """

    case: Case
    open_runner: Callable[[], Runner]
    skipped: str = ""
    info: RuntimeInfo | None = None
    cold_start_seconds: list[float] = field(default_factory=list)
    stable: bool = True
    probabilities: Probabilities | None = None
    latency: list[Calls] = field(default_factory=list)
    network: list[Calls] = field(default_factory=list)
    throughput: dict[int, list[Calls]] = field(default_factory=dict)
    end_to_end: dict[tuple[str, Method], list[EndToEndRun]] = field(default_factory=dict)
    scenarios: list[ScenarioRun] = field(default_factory=list)
    server_images_per_second: float | None = None
    within_limit: RateWithinLimit | None = None
    peak_rss_mib: float | None = None
    gpu_mib: float | None = None

    @classmethod
    def of(cls, case: Case) -> "Samples":
        """Empty samples of a case."""
        return cls(case=case, open_runner=partial(open_runner, case.artifact, case.mode))

    def skip(self, error: UserError) -> None:
        """End measuring the case. The reason is part of the report: it names the artifact without its folder."""
        artifact = self.case.artifact
        self.skipped = error.what.replace(str(artifact.path), artifact.name)
        LOGGER.warning("%s is skipped: %s", self.name, self.skipped)

    @property
    def name(self) -> str:
        """The name of the case."""
        return self.case.name

    @property
    def is_on_device(self) -> bool:
        """True when the network runs on another device than the CPU."""
        return self.info is not None and self.info.device != "CPU"


@dataclass(kw_only=True)
class PeakSamples:
    """The fastest calls of a peak kernel, one for each round, in wall seconds."""

    precision: PeakPrecision
    seconds: list[float] = field(default_factory=list)

    @property
    def gops(self) -> float | None:
        """Billions of operations per second of the fastest call; None when the kernel did not run."""
        return gops(self.precision, min(self.seconds)) if self.seconds else None
