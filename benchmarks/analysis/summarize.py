"""From the samples of each case to the results of a report."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from benchmarks.analysis.accuracy import measure_accuracy
from benchmarks.analysis.report import CaseResult, Control, Costs, EndToEnd, Latency, Speedup, Throughput
from benchmarks.analysis.statistics import Estimate, paired_ratio, percentile, rate
from benchmarks.evaluation_set import EvaluationSet
from benchmarks.measurement.end_to_end import EndToEndRun, Method
from benchmarks.measurement.samples import Samples
from benchmarks.measurement.timing import Calls
from temper.runners.base import Probabilities

MILLI, MEGA, GIGA = 1e3, 1e6, 1e9
SAMPLE_DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class FileSet:
    """Files of end-to-end runs. truth: index of each label. decode_ms: of one file in one thread, by method."""

    title: str
    truth: tuple[int, ...]
    decode_ms: dict[Method, float]


@dataclass(frozen=True, kw_only=True)
class Context:
    """What results are compared with.

    keras: probabilities [n, classes] of the model. baselines: cases of the model that ran.
    peak_gops: of this processor, by precision. operations: of the network, for one image.
    """

    evaluation: EvaluationSet
    keras: Probabilities | None = None
    baselines: list[Samples] = field(default_factory=list)
    file_sets: list[FileSet] = field(default_factory=list)
    peak_gops: dict[str, float] = field(default_factory=dict)
    operations: float | None = None

    @property
    def tutorial(self) -> Samples | None:
        """Keras in the mode of its tutorials, if it ran."""
        return next((each for each in self.baselines if each.case.is_tutorial), None)


def summarize(samples: Samples, context: Context) -> CaseResult:
    """The result of a case without its verdict."""
    case, info = samples.case, samples.info
    result = CaseResult(
        name=case.name,
        artifact=case.artifact.name,
        sha256=case.card.sha256,
        precision=case.card.precision,
        executed=info.executed if info else "",
        runtime=info.runtime if info else "",
        device=info.device if info else "",
        skipped=samples.skipped,
        costs=_costs(samples),
    )
    if samples.skipped or samples.probabilities is None:
        return result
    measured = msgspec.structs.replace(
        result,
        accuracy=measure_accuracy(samples.probabilities, context.keras, context.evaluation),
        latency=_latency(samples),
        throughput=tuple(_throughput(batch, blocks) for batch, blocks in sorted(samples.throughput.items())),
        speedups=tuple(
            Speedup(baseline=baseline.name, batch=batch, ratio=speedup(baseline, samples, batch))
            for baseline in context.baselines
            if baseline is not samples
            for batch in (None, *sorted(samples.throughput))
        ),
        end_to_end=tuple(_end_to_end(samples, context)),
        scenarios=tuple(samples.scenarios),
        server_images_per_second=samples.server_images_per_second,
        within_limit=samples.within_limit,
    )
    return _with_fraction_of_peak(measured, context)


def summarize_control(samples: Samples, control: Samples) -> Control | None:
    """The A/A control of a case and its second process; None when one of them stopped."""
    if samples.skipped or control.skipped:
        return None
    throughput = [
        Speedup(baseline=samples.name, batch=batch, ratio=speedup(samples, control, batch))
        for batch in sorted(samples.throughput)
    ]
    return Control(case=samples.name, ratio=speedup(samples, control, None), throughput=tuple(throughput))


def speedup(slow: Samples, fast: Samples, batch: int | None) -> Estimate:
    """How many times faster, paired by round: median latencies (batch None) or the wall clock of sample blocks."""
    if batch is None:
        return paired_ratio(_medians(slow.latency), _medians(fast.latency))
    return paired_ratio(_seconds_per_image(slow.throughput[batch]), _seconds_per_image(fast.throughput[batch]))


def _costs(samples: Samples) -> Costs:
    provenance = samples.case.card.provenance
    return Costs(
        megabytes=samples.case.artifact.bytes / MEGA,
        peak_rss_mib=samples.peak_rss_mib,
        cold_start_seconds=tuple(samples.cold_start_seconds),
        joules_per_image=_joules_per_image(samples),
        build_seconds=(provenance.build_seconds or None) if provenance else None,
        gpu_mib=samples.gpu_mib,
    )


def _end_to_end(samples: Samples, context: Context) -> list[EndToEnd]:
    tutorial = context.tutorial
    methods: tuple[Method, ...] = ("overlapped", "one by one")
    return [
        _summarize_runs(files, method, runs, tutorial.end_to_end.get((files.title, "one by one")) if tutorial else None)
        for files in context.file_sets
        for method in methods
        if (runs := samples.end_to_end.get((files.title, method)))
    ]


def _summarize_runs(
    files: FileSet, method: Method, runs: list[EndToEndRun], tutorial: list[EndToEndRun] | None
) -> EndToEnd:
    n = len(files.truth)
    seconds = [run.seconds for run in runs]
    return EndToEnd(
        files=files.title,
        method=method,
        images_per_second=rate([n] * len(runs), seconds),
        decode_ms=files.decode_ms[method],
        waiting_ms=MILLI / n * float(np.median([run.waiting_seconds for run in runs])),
        network_ms=MILLI / n * float(np.median([run.network_seconds for run in runs])),
        top1=float(np.mean(np.equal(runs[0].labels, files.truth))),
        speedup=paired_ratio([run.seconds for run in tutorial], seconds) if tutorial else None,
    )


def _latency(samples: Samples) -> Latency:
    blocks, network = (_milliseconds(each) for each in (samples.latency, samples.network))
    return Latency(
        p50_ms=percentile(blocks, 50),
        p90_ms=percentile(blocks, 90),
        p99_ms=percentile(blocks, 99),
        cpu_ms=MILLI * float(np.median([s for calls in samples.latency for s in calls.cpu_seconds])),
        stable=samples.stable,
        blocks_ms=tuple(tuple(round(float(ms), SAMPLE_DIGITS) for ms in block) for block in blocks),
        network_p50_ms=percentile(network, 50) if network else None,
    )


def _throughput(batch: int, blocks: list[Calls]) -> Throughput:
    images, seconds = [calls.images for calls in blocks], [calls.total_seconds for calls in blocks]
    return Throughput(
        batch=batch, images_per_second=rate(images, seconds), blocks=tuple(zip(images, seconds, strict=True))
    )


def _with_fraction_of_peak(result: CaseResult, context: Context) -> CaseResult:
    peak, operations = context.peak_gops.get(result.main_precision), context.operations
    if peak is None or operations is None or result.device != "CPU" or not result.throughput:
        return result
    fastest = max(each.images_per_second.value for each in result.throughput)
    costs = msgspec.structs.replace(result.costs, fraction_of_peak=fastest * operations / GIGA / peak)
    return msgspec.structs.replace(result, costs=costs)


def _milliseconds(blocks: list[Calls]) -> list[Any]:
    return [MILLI * np.array(calls.wall_seconds) for calls in blocks]


def _medians(blocks: list[Calls]) -> list[float]:
    return [float(np.median(calls.wall_seconds)) for calls in blocks]


def _seconds_per_image(blocks: list[Calls]) -> list[float]:
    return [calls.total_seconds / calls.images for calls in blocks]


def _joules_per_image(samples: Samples) -> float | None:
    if not samples.is_on_device:
        return None
    blocks = [calls for each in samples.throughput.values() for calls in each if calls.joules is not None]
    images = sum(calls.images for calls in blocks)
    return sum(calls.joules or 0.0 for calls in blocks) / images if images else None
