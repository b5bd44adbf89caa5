"""The record of a run: plain data, from which every table, page and comparison is made."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.analysis.statistics import Estimate
from temper.errors import UserError

SCHEMA = 1
# The A/A control's ratio must lie this close to 1, or the machine was too busy to tell anything.
CONTROL_TOLERANCE = 0.02


# With fewer samples all of them may lie below the true p99, by a chance of 0.99 ** 367 = 2.5 %.
LEAST_FOR_P99 = 367


@dataclass(frozen=True)
class Flip:
    """A held-out picture that got another label than Keras gave it; `truth` is the label of its folder."""

    file: str
    truth: str
    keras: str
    answer: str


@dataclass(frozen=True)
class Accuracy:
    """On held-out pictures, shares in [0, 1]; None for lack of Keras, which all but top1 compares with.

    loss: the paired fall of top-1. max_difference: the largest of any probability.
    """

    top1: Estimate
    agreement: Estimate | None = None
    loss: Estimate | None = None
    max_difference: float | None = None
    flips: tuple[Flip, ...] = ()


@dataclass(frozen=True)
class Latency:
    """Wall milliseconds of a call at batch 1; cpu_ms: processor milliseconds of all threads, the median.

    stable: the warm-up settled. turns_ms: every sample, nothing removed, by turn. network_p50_ms: without the copies to
    a device and back; None where there are none.
    """

    p50_ms: Estimate
    p90_ms: Estimate
    p99_ms: Estimate
    cpu_ms: float
    stable: bool
    turns_ms: tuple[tuple[float, ...], ...]
    network_p50_ms: Estimate | None = None

    @property
    def p99_is_lower_bound(self) -> bool:
        """True when there are too few samples to say how high p99 may be."""
        return sum(len(turn) for turn in self.turns_ms) < LEAST_FOR_P99


@dataclass(frozen=True)
class Throughput:
    """Images a second by the wall clock. blocks: (images, seconds) of each block of calls."""

    batch: int
    images_per_second: Estimate
    blocks: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Speedup:
    """How many times faster than another row, in the same rounds. batch: None for the median latency at batch 1."""

    over: str
    batch: int | None
    times: Estimate


@dataclass(frozen=True)
class EndToEnd:
    """From files to labels. way: "overlapped", or "plain" as Keras' tutorials do it. Milliseconds for one picture.

    decode_ms: of one thread. waiting_ms: for pixels. network_ms: in the runtime.
    top1: share of these files that got their label. speedup: over the plain way with Keras `predict`.
    """

    files: str
    way: str
    images_per_second: Estimate
    decode_ms: float
    waiting_ms: float
    network_ms: float
    top1: float
    speedup: Estimate | None


@dataclass(frozen=True)
class Scenario:
    """A scenario by MLPerf's LoadGen. valid: LoadGen's own verdict; its logs lie in `logs`.

    offered: pictures a second that Server sent; None for the others. latency_ms: by percentile.
    images_per_second: None where latency is what counts.
    """

    name: str
    valid: bool
    offered: float | None
    latency_ms: dict[str, float]
    images_per_second: float | None
    logs: str


@dataclass(frozen=True)
class Costs:
    """What else it takes. share_of_peak: of the arithmetic this processor reached in the same run, in [0, 1].

    build_seconds: to make it from its source, where it was made. gpu_mib: of the GPU's memory, held at the end.
    """

    megabytes: float
    peak_mib: float
    cold_starts_seconds: tuple[float, ...]
    share_of_peak: float | None = None
    joules_per_image: float | None = None
    build_seconds: float | None = None
    gpu_mib: float | None = None


@dataclass(frozen=True)
class Line:
    """A row. precision: what the card says; executed: what the runtime really does. skipped: why nothing follows."""

    name: str
    artifact: str
    precision: str
    executed: str
    runtime: str
    device: str
    skipped: str
    verdict: str = ""
    accuracy: Accuracy | None = None
    latency: Latency | None = None
    throughput: tuple[Throughput, ...] = ()
    speedups: tuple[Speedup, ...] = ()
    end_to_end: tuple[EndToEnd, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    server_images_per_second: float | None = None
    costs: Costs | None = None

    @property
    def main_precision(self) -> str:
        """The precision of most kernels: int8 of "52 int8, 3 fp32" as of "int8, rest bf16"; "" when it did not run."""
        return self.executed.partition(",")[0].rpartition(" ")[2]

    def speedup(self, over: str, batch: int | None = None) -> Estimate | None:
        """The speed-up over a row, if both ran."""
        return next((each.times for each in self.speedups if (each.over, each.batch) == (over, batch)), None)

    def rate(self, batch: int) -> Estimate | None:
        """Images a second at a batch size, if it was measured."""
        return next((each.images_per_second for each in self.throughput if each.batch == batch), None)


@dataclass(frozen=True)
class Control:
    """One row in two processes: how far their ratio is from 1 shows how far the machine can be trusted.

    ratio: of median latencies; throughput: at each batch size.
    """

    row: str
    ratio: Estimate
    throughput: tuple[Speedup, ...] = ()

    @property
    def passed(self) -> bool:
        """True when the ratio is 1.00 ± 0.02."""
        return abs(self.ratio.value - 1) <= CONTROL_TOLERANCE


@dataclass(frozen=True)
class Report:
    """All lines, the pictures they were asked, how, and the machine they ran on.

    title: names the pictures. reference: the row that losses and verdicts are told against.
    overhead_microseconds: what the stop-watch itself adds to a call. peaks_gops: billions of operations a second.
    conditions: load and, on NVIDIA, clocks, heat and power, before, after and, as ranges, during the rounds.
    """

    title: str
    made_at: str
    command: str
    pictures: int
    size: int
    reference: str
    control: Control | None
    overhead_microseconds: float
    peaks_gops: dict[str, float]
    bound_ms: float
    machine: dict[str, str]
    versions: dict[str, str]
    conditions: dict[str, dict[str, str]]
    lines: tuple[Line, ...]
    schema: int = field(default=SCHEMA)

    @property
    def batches(self) -> list[int]:
        """Batch sizes that were measured."""
        return sorted({each.batch for line in self.lines for each in line.throughput})


def as_json(report: Report) -> str:
    """The whole record; its schema is report.schema.json."""
    return json.dumps(dataclasses.asdict(report), indent=1) + "\n"


def read_record(path: Path) -> dict[str, Any]:
    """A written report as plain data. Raises UserError for anything else."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if record["schema"] != SCHEMA:
            raise UserError(f"{path} follows report schema {record['schema']!r}; this version reads {SCHEMA}.")
        if missing := {each.name for each in dataclasses.fields(Report)} - record.keys():
            raise KeyError(*sorted(missing))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is not a report ({error!r}). Expected a report.json that `python benchmarks/run.py` wrote."
        ) from None
    return record


def lines_of(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The measured lines of a report by name."""
    return {line["name"]: line for line in record["lines"] if line["latency"]}
