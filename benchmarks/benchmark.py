"""A complete benchmark: measures all cases and summarizes their samples in a report."""

import datetime
import logging
import os
import statistics

import numpy as np

from benchmarks.analysis.report import SCHEMA, Control, Report
from benchmarks.analysis.summarize import Context, FileSet, summarize, summarize_control
from benchmarks.analysis.verdict import control_sentence, with_verdicts
from benchmarks.cases import Case, pick_baseline
from benchmarks.config import BenchmarkConfig
from benchmarks.evaluation_set import EvaluationSet, file_sets, image_arrays
from benchmarks.measurement import gpu_telemetry
from benchmarks.measurement.end_to_end import decode_seconds
from benchmarks.measurement.mlperf import import_loadgen
from benchmarks.measurement.peak_compute import PEAK_PRECISIONS, count_operations
from benchmarks.measurement.samples import PeakSamples, Samples
from benchmarks.measurement.session import BenchmarkSession
from benchmarks.measurement.timing import time_calls
from benchmarks.measurement.under_load import run_scenarios, search_rates_within_limit
from temper.card import reference_title
from temper.cli.progress import ProgressCallback
from temper.dataset.split import Example
from temper.provenance import package_versions
from temper.runners.base import Images
from temper.system.host import describe_host

LOGGER = logging.getLogger("temper.benchmarks")
PACKAGES = ("tensorflow", "keras", "onnxruntime", "openvino", "tensorrt", "mlcommons-loadgen", "numpy", "pillow")
OVERHEAD_CALLS = 2000
MILLI, MICRO = 1e3, 1e6


def run_benchmark(
    cases: list[Case], evaluation: EvaluationSet, config: BenchmarkConfig, progress: ProgressCallback, command: str = ""
) -> Report:
    """Measure all cases on the same images. command: the command line, for the report.

    Raises MissingRuntime at once when scenarios need LoadGen and it is missing.
    """
    if config.scenario_seconds:
        import_loadgen()
    samples = [Samples.of(case) for case in cases]
    peaks = [] if config.quick else [PeakSamples(precision=each) for each in PEAK_PRECISIONS]
    phases = {"before": conditions()}
    with (
        image_arrays(evaluation.examples, {evaluation.size}) as images,
        BenchmarkSession(samples, images, config, peaks, progress) as session,
    ):
        control, files = _measure(session, evaluation, config, progress)
    if during := _gpu_conditions(gpu_telemetry.value_ranges(session.gpu_states)):
        phases["during"] = during
    phases["after"] = conditions()
    context = _context(samples, evaluation, files, peaks)
    report = Report(
        dataset=evaluation.title,
        created=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        command=command,
        images=len(evaluation.examples),
        size=evaluation.size,
        baseline=_name_of_baseline(context),
        reference=reference_title(cases[0].card.adopted),
        control=control,
        timer_overhead_us=timer_overhead_microseconds(),
        peak_gops=context.peak_gops,
        server_latency_bound_ms=config.server_latency_bound_ms,
        host=describe_host(),
        versions=package_versions(*PACKAGES),
        conditions=phases,
        cases=tuple(summarize(each, context) for each in samples),
        schema=SCHEMA,
    )
    return with_verdicts(report)


def conditions() -> dict[str, str]:
    """The load of the machine, and the GPU's state where there is one."""
    load = {"load": f"{os.getloadavg()[0]:.2f}"} if hasattr(os, "getloadavg") else {}
    return {**load, **_gpu_conditions(gpu_telemetry.gpu_state())}


def timer_overhead_microseconds() -> float:
    """The time that the timer adds to a call: the 99th percentile of the times of a call that does nothing."""
    images = np.zeros((8, 1, 1, 3), np.uint8)
    return MICRO * float(np.percentile(time_calls(_do_nothing, images, 1, OVERHEAD_CALLS).wall_seconds, 99))


def _measure(
    session: BenchmarkSession, evaluation: EvaluationSet, config: BenchmarkConfig, progress: ProgressCallback
) -> tuple[Control | None, list[FileSet]]:
    controlled = session.open_control()
    session.predict()
    session.warm_up()
    session.measure_latency()
    session.measure_throughput()
    control = summarize_control(*controlled) if controlled else None
    if control:
        LOGGER.log(logging.INFO if control.passed else logging.WARNING, control_sentence(control))
    files = [] if config.quick else _measure_end_to_end(session, evaluation)
    if config.scenario_seconds:
        run_scenarios(session, config, progress)
    if config.p99_ms:
        search_rates_within_limit(session, config, progress)
    session.measure_memory()
    return control, files


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


def _name_of_baseline(context: Context) -> str:
    baseline = pick_baseline(each.case for each in context.baselines)
    return baseline.name if baseline else ""


def _context(
    samples: list[Samples], evaluation: EvaluationSet, files: list[FileSet], peaks: list[PeakSamples]
) -> Context:
    models = {each.case: each for each in samples if each.case.artifact.is_model and not each.skipped}
    baseline = pick_baseline(models)
    return Context(
        evaluation=evaluation,
        keras=models[baseline].probabilities if baseline else evaluation.reference,
        baselines=list(models.values()),
        file_sets=files,
        peak_gops={peak.precision: peak.gops for peak in peaks if peak.gops},
        operations=_operations([each.case for each in samples]),
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
