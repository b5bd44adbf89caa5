"""A complete benchmark: measures all cases and summarizes their samples in a report."""

import dataclasses
import datetime
import os
import statistics

import numpy as np

from benchmarks.analysis.report import SCHEMA, Report
from benchmarks.analysis.summarize import Context, FileSet, summarize, summarize_control
from benchmarks.analysis.verdict import with_verdicts
from benchmarks.cases import Case, pick_baseline, pick_control
from benchmarks.config import BenchmarkConfig
from benchmarks.evaluation_set import EvaluationSet, file_sets, image_array
from benchmarks.measurement import gpu_telemetry
from benchmarks.measurement.end_to_end import decode_seconds
from benchmarks.measurement.mlperf import import_loadgen
from benchmarks.measurement.peak_compute import PEAK_PRECISIONS, count_operations
from benchmarks.measurement.samples import PeakSamples, Samples
from benchmarks.measurement.session import BenchmarkSession
from benchmarks.measurement.timing import time_calls
from temper.cli.progress import ProgressCallback
from temper.dataset.split import Example
from temper.provenance import package_versions
from temper.runners.base import Images
from temper.system.host import describe_host

PACKAGES = ("tensorflow", "keras", "onnxruntime", "openvino", "tensorrt", "mlcommons-loadgen", "numpy", "pillow")
OVERHEAD_CALLS = 2000
MILLI, MICRO = 1e3, 1e6


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measurements:
    """Everything that was measured. conditions: of the machine, before, during and after."""

    samples: list[Samples]
    control: Samples
    peaks: list[PeakSamples]
    file_sets: list[FileSet]
    conditions: dict[str, dict[str, str]]


def run_benchmark(
    cases: list[Case], evaluation: EvaluationSet, config: BenchmarkConfig, progress: ProgressCallback, command: str = ""
) -> Report:
    """Measure all cases on the same images. command: that was called, for the report."""
    measurements = measure(cases, evaluation, config, progress)
    ran = [each for each in measurements.samples if not each.skipped]
    baseline_case = pick_baseline(each.case for each in ran)
    baseline = next((each for each in ran if each.case == baseline_case), None)
    controlled = next(each for each in measurements.samples if each.case == pick_control(cases))
    context = Context(
        evaluation=evaluation,
        keras=baseline.probabilities if baseline else evaluation.reference,
        baselines=[each for each in ran if each.case.is_keras],
        file_sets=measurements.file_sets,
        peak_gops={peak.precision: peak.gops for peak in measurements.peaks if peak.gops},
        operations=_operations(cases),
    )
    report = Report(
        dataset=evaluation.title,
        created=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        command=command,
        images=len(evaluation.examples),
        size=evaluation.size,
        baseline=baseline.name if baseline else "",
        control=summarize_control(controlled, measurements.control),
        timer_overhead_us=timer_overhead_microseconds(),
        peak_gops=context.peak_gops,
        server_latency_bound_ms=config.server_latency_bound_ms,
        host=describe_host(),
        versions=package_versions(*PACKAGES),
        conditions=measurements.conditions,
        cases=tuple(summarize(each, context) for each in measurements.samples),
        schema=SCHEMA,
    )
    return with_verdicts(report)


def measure(
    cases: list[Case], evaluation: EvaluationSet, config: BenchmarkConfig, progress: ProgressCallback
) -> Measurements:
    """Run every step of the benchmark. Raises MissingRuntime at once when scenarios need LoadGen and it is missing."""
    if config.scenario_seconds:
        import_loadgen()
    samples = [Samples.of(case) for case in cases]
    control = Samples.of(dataclasses.replace(pick_control(cases), name="A/A control", is_control=True))
    peaks = [] if config.quick else [PeakSamples(precision=each) for each in PEAK_PRECISIONS]
    files: list[FileSet] = []
    before = conditions()
    with (
        image_array(evaluation) as images,
        BenchmarkSession([*samples, control], images, config, peaks, progress) as session,
    ):
        session.predict()
        session.warm_up()
        session.measure_latency()
        session.measure_throughput()
        if not config.quick:
            files = _measure_end_to_end(session, evaluation)
        if config.scenario_seconds:
            session.run_scenarios()
        session.measure_memory()
        during = _gpu_conditions(gpu_telemetry.value_ranges(session.gpu_states))
    phases = {"before": before, **({"during": during} if during else {}), "after": conditions()}
    return Measurements(samples=samples, control=control, peaks=peaks, file_sets=files, conditions=phases)


def conditions() -> dict[str, str]:
    """The load of the machine, and the GPU's state where there is one."""
    load = {"load": f"{os.getloadavg()[0]:.2f}"} if hasattr(os, "getloadavg") else {}
    return {**load, **_gpu_conditions(gpu_telemetry.gpu_state())}


def timer_overhead_microseconds() -> float:
    """What the timer adds to a call: the 99th percentile of what it measures for a call that does nothing."""
    images = np.zeros((8, 1, 1, 3), np.uint8)
    return MICRO * float(np.percentile(time_calls(_do_nothing, images, 1, OVERHEAD_CALLS).wall_seconds, 99))


def _measure_end_to_end(session: BenchmarkSession, evaluation: EvaluationSet) -> list[FileSet]:
    with file_sets(evaluation) as sets:
        session.label_files({title: [each.path for each in examples] for title, examples in sets.items()})
        return [_describe_files(title, examples, evaluation) for title, examples in sets.items()]


def _describe_files(title: str, examples: list[Example], evaluation: EvaluationSet) -> FileSet:
    seconds = [decode_seconds(each.path, evaluation.size) for each in examples]
    overlapped, one_by_one = (MILLI * statistics.median(column) for column in zip(*seconds, strict=True))
    return FileSet(
        title=title,
        truth=tuple(evaluation.labels.index(each.label) for each in examples),
        decode_ms={"overlapped": overlapped, "one by one": one_by_one},
    )


def _operations(cases: list[Case]) -> float | None:
    onnx_files = [case.artifact for case in cases if case.artifact.format.suffix == ".onnx"]
    # Quantized graphs contain other operators.
    onnx_files.sort(key=lambda artifact: artifact.card.precision != "fp32")
    return count_operations(onnx_files[0].path) if onnx_files else None


def _gpu_conditions(state: dict[str, str]) -> dict[str, str]:
    return {f"gpu_{name}": value for name, value in state.items()}


def _do_nothing(images: Images) -> None:
    pass
