"""The report: typed records, from which every table, page, plot and comparison is made. Fractions are in [0, 1]."""

import statistics
from typing import Literal

from msgspec import Struct

from benchmarks.analysis.statistics import Estimate
from benchmarks.cases import KERAS_SUFFIX
from benchmarks.measurement.end_to_end import Method
from benchmarks.measurement.latency_budget import RateWithinLimit
from benchmarks.measurement.mlperf import ScenarioRun
from temper.card import Host, LabelFlip

SCHEMA: Literal[2] = 2
# The A/A control's ratio must be this close to 1; otherwise the machine was too busy.
CONTROL_TOLERANCE = 0.02
# With fewer samples all of them may be below the true p99, with a probability of 0.99 ** 367 = 2.5 %.
MIN_SAMPLES_FOR_P99 = 367


class Accuracy(Struct, frozen=True, kw_only=True):
    """On held-out images. All but top1 compare with the Keras model, and are None without it.

    drop: paired drop of top-1. max_difference: the largest absolute difference of probabilities.
    """

    top1: Estimate
    agreement: Estimate | None = None
    drop: Estimate | None = None
    max_difference: float | None = None
    flips: tuple[LabelFlip, ...] = ()


class Latency(Struct, frozen=True, kw_only=True):
    """Wall milliseconds of a call at batch 1.

    cpu_ms: median processor time of all threads. stable: the latency became stable during warm-up. blocks_ms: every
    sample, nothing removed, by sample block. network_p50_ms: without copies to a device and back; None where there are
    none.
    """

    p50_ms: Estimate
    p90_ms: Estimate
    p99_ms: Estimate
    cpu_ms: float
    stable: bool
    blocks_ms: tuple[tuple[float, ...], ...]
    network_p50_ms: Estimate | None = None

    @property
    def p99_is_lower_bound(self) -> bool:
        """True when there are too few samples for an upper bound of p99."""
        return sum(len(block) for block in self.blocks_ms) < MIN_SAMPLES_FOR_P99


class Throughput(Struct, frozen=True, kw_only=True):
    """Images per second by the wall clock. blocks: (images, seconds) of each sample block."""

    batch: int
    images_per_second: Estimate
    blocks: tuple[tuple[int, float], ...]


class Speedup(Struct, frozen=True, kw_only=True):
    """How many times faster than another case, in the same rounds. batch: None for the median latency at batch 1."""

    baseline: str
    batch: int | None
    ratio: Estimate


class EndToEnd(Struct, frozen=True, kw_only=True):
    """From files to labels; milliseconds for one image.

    files: title of the files. decode_ms: of one thread. waiting_ms: for pixels. network_ms: in the runtime.
    top1: of these files. speedup: over Keras `predict`, one image at a time.
    """

    files: str
    method: Method
    images_per_second: Estimate
    decode_ms: float
    waiting_ms: float
    network_ms: float
    top1: float
    speedup: Estimate | None


class Costs(Struct, frozen=True, kw_only=True):
    """Size, memory, energy and time beside the calls.

    peak_rss_mib: largest resident memory of the process; None when it did not run. fraction_of_peak: of the arithmetic
    rate that this processor reached in the same run. gpu_mib: GPU memory that the process held at the end.
    build_seconds: of the conversion.
    """

    megabytes: float
    peak_rss_mib: float | None
    cold_start_seconds: tuple[float, ...]
    fraction_of_peak: float | None = None
    joules_per_image: float | None = None
    build_seconds: float | None = None
    gpu_mib: float | None = None

    @property
    def median_cold_start_seconds(self) -> float | None:
        """The median of all cold starts."""
        return statistics.median(self.cold_start_seconds) if self.cold_start_seconds else None


class CaseResult(Struct, frozen=True, kw_only=True):
    """All results of a case.

    artifact: file name. sha256: of the artifact, as its card records it. precision: of the card. executed: what the
    runtime really executes. skipped: why there are no results. server_images_per_second: the highest rate of LoadGen's
    Server scenario within the latency bound. within_limit: the rate at which p99 stays within --p99-ms.
    """

    name: str
    artifact: str
    sha256: str = ""
    precision: str
    executed: str
    runtime: str
    device: str
    costs: Costs
    skipped: str = ""
    verdict: str = ""
    accuracy: Accuracy | None = None
    latency: Latency | None = None
    throughput: tuple[Throughput, ...] = ()
    speedups: tuple[Speedup, ...] = ()
    end_to_end: tuple[EndToEnd, ...] = ()
    scenarios: tuple[ScenarioRun, ...] = ()
    server_images_per_second: float | None = None
    within_limit: RateWithinLimit | None = None

    @property
    def is_keras(self) -> bool:
        """True for a Keras model in any mode."""
        return self.artifact.endswith(KERAS_SUFFIX)

    @property
    def main_precision(self) -> str:
        """The precision of most kernels: int8 of "52 int8, 3 fp32" and of "int8, rest bf16"; "" when it did not run."""
        return self.executed.partition(",")[0].rpartition(" ")[2]

    def speedup(self, baseline: str, batch: int | None = None) -> Estimate | None:
        """The speedup over another case, if both ran."""
        return next((each.ratio for each in self.speedups if (each.baseline, each.batch) == (baseline, batch)), None)

    def images_per_second(self, batch: int) -> Estimate | None:
        """Throughput at a batch size, if it was measured."""
        return next((each.images_per_second for each in self.throughput if each.batch == batch), None)


class Control(Struct, frozen=True, kw_only=True):
    """A/A control: one case in two processes. How far their ratio is from 1 shows how noisy the machine was.

    ratio: of median latencies. throughput: ratio at each batch size.
    """

    case: str
    ratio: Estimate
    throughput: tuple[Speedup, ...] = ()

    @property
    def passed(self) -> bool:
        """True when the ratio is 1.00 ± 0.02."""
        return abs(self.ratio.value - 1) <= CONTROL_TOLERANCE


class Report(Struct, frozen=True, kw_only=True):
    """Results of all cases, with the images, the settings and the machine.

    dataset: its title. images: their number. size: in pixels. baseline: the case that speedups and verdicts refer to;
    "" when the model did not run. reference: what predictions are compared with. timer_overhead_us: what the timer adds
    to a call, in microseconds. peak_gops: billions of operations per second, by precision. conditions: load and, on
    NVIDIA, clocks, temperature and power, before, after and, as ranges, during the rounds. note: what else a reader
    must know.
    """

    dataset: str
    created: str
    command: str
    images: int
    size: int
    baseline: str
    control: Control | None
    timer_overhead_us: float
    peak_gops: dict[str, float]
    server_latency_bound_ms: float
    host: Host
    versions: dict[str, str]
    conditions: dict[str, dict[str, str]]
    cases: tuple[CaseResult, ...]
    reference: str = "Keras"
    note: str = ""
    # Without a default: a file that does not contain it is no report.
    schema: Literal[2]

    @property
    def title(self) -> str:
        """The heading."""
        return f"Temper on {self.dataset}"

    @property
    def batch_sizes(self) -> list[int]:
        """Batch sizes that were measured."""
        return sorted({each.batch for case in self.cases for each in case.throughput})

    @property
    def measured(self) -> list[CaseResult]:
        """Cases that have results."""
        return [case for case in self.cases if case.latency and case.accuracy]
