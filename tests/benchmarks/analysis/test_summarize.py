from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks.analysis.summarize import Context, FileSet, summarize, summarize_control
from benchmarks.cases import Case
from benchmarks.evaluation_set import EvaluationSet
from benchmarks.measurement.end_to_end import EndToEndRun
from benchmarks.measurement.samples import Samples
from benchmarks.measurement.timing import Calls
from temper.artifact import Artifact
from temper.card import Card
from temper.dataset.split import Example
from temper.runners.base import RuntimeInfo

EVALUATION = EvaluationSet(
    title="pets",
    labels=("cat", "dog"),
    size=2,
    examples=[Example(path=Path("1.jpg"), label="cat", subset="test", sha256="")],
)
PREDICTION = np.array([[0.9, 0.1]], np.float32)


def calls(batch: int, seconds: float, joules: float | None = None) -> Calls:
    times = (seconds, seconds)
    return Calls(batch=batch, wall_seconds=times, cpu_seconds=times, total_seconds=2 * seconds, joules=joules)


def samples_of(folder: Path, name: str, seconds: float, device: str = "CPU", mode: str = "") -> Samples:
    path = folder / name
    path.write_bytes(bytes(1000))
    case = Case(
        name=f"{name} {mode}".strip(), mode=mode, artifact=Artifact.with_card(path, Card(labels=("cat", "dog"), size=2))
    )
    samples = Samples.of(case)
    samples.info = RuntimeInfo(runtime="some runtime", device=device, executed="fp32")
    samples.probabilities = PREDICTION
    samples.latency = [calls(1, seconds) for _ in range(10)]
    samples.throughput = {4: [calls(4, seconds, joules=8.0) for _ in range(4)]}
    samples.cold_start_seconds = [3.0, 1.0, 2.0]
    return samples


def test_milliseconds_images_per_second_and_speedups_come_from_the_samples(tmp_path: Path) -> None:
    keras = samples_of(tmp_path, "model.keras", 0.04, mode="predict")
    fast = samples_of(tmp_path, "model.onnx", 0.01)
    context = Context(evaluation=EVALUATION, keras=PREDICTION, baselines=[keras])
    result = summarize(fast, context)
    assert result.latency and result.accuracy
    assert [result.latency.p50_ms.value, result.latency.cpu_ms] == pytest.approx([10, 10])
    assert result.throughput[0].images_per_second.value == pytest.approx(400)
    assert [(each.baseline, each.batch) for each in result.speedups] == [(keras.name, None), (keras.name, 4)]
    assert all(each.ratio.value == pytest.approx(4) for each in result.speedups)
    assert result.accuracy.agreement and result.accuracy.agreement.value == 1
    assert result.costs.megabytes == pytest.approx(0.001)
    assert result.costs.median_cold_start_seconds == 2.0
    assert summarize(keras, context).speedups == ()


def test_a_skipped_case_has_costs_and_a_reason_only(tmp_path: Path) -> None:
    samples = samples_of(tmp_path, "model.onnx", 0.01)
    samples.skipped = "no GPU here"
    result = summarize(samples, Context(evaluation=EVALUATION))
    assert (result.skipped, result.accuracy, result.latency, result.throughput) == ("no GPU here", None, None, ())
    assert summarize_control(samples, samples) is None


def test_energy_is_reported_on_a_device_only(tmp_path: Path) -> None:
    context = Context(evaluation=EVALUATION)
    on_gpu = summarize(samples_of(tmp_path, "model.onnx", 0.01, device="some GPU"), context)
    assert on_gpu.costs.joules_per_image == pytest.approx(1.0)
    assert summarize(samples_of(tmp_path, "model.onnx", 0.01), context).costs.joules_per_image is None


def test_the_fraction_of_the_peak_is_that_of_the_fastest_batch_size(tmp_path: Path) -> None:
    context = Context(evaluation=EVALUATION, peak_gops={"fp32": 100.0}, operations=0.1e9)
    result = summarize(samples_of(tmp_path, "model.onnx", 0.01), context)
    assert result.costs.fraction_of_peak == pytest.approx(0.4)
    unknown = msgspec.structs.replace(result.costs, fraction_of_peak=None)
    assert summarize(samples_of(tmp_path, "model.onnx", 0.01), Context(evaluation=EVALUATION)).costs == unknown


def test_the_control_is_the_ratio_of_two_processes(tmp_path: Path) -> None:
    one, other = (samples_of(tmp_path, "model.onnx", seconds) for seconds in (0.02, 0.01))
    control = summarize_control(one, other)
    assert control and not control.passed
    assert control.ratio.value == pytest.approx(2)
    assert control.throughput[0].ratio.value == pytest.approx(2)


def test_end_to_end_times_are_for_one_image_and_compared_with_the_tutorials_method(tmp_path: Path) -> None:
    def run(seconds: float) -> EndToEndRun:
        return EndToEndRun(labels=(0, 1), seconds=seconds, waiting_seconds=0.2, network_seconds=0.4)

    keras = samples_of(tmp_path, "model.keras", 0.04, mode="predict")
    keras.end_to_end = {("small", "one by one"): [run(4.0), run(4.0)]}
    fast = samples_of(tmp_path, "model.onnx", 0.01)
    fast.end_to_end = {("small", "overlapped"): [run(1.0), run(1.0)]}
    files = FileSet(title="small", truth=(0, 0), decode_ms={"overlapped": 3.0, "one by one": 5.0})
    context = Context(evaluation=EVALUATION, baselines=[keras], file_sets=[files])
    (each,) = summarize(fast, context).end_to_end
    assert (each.method, each.decode_ms, each.top1) == ("overlapped", 3.0, 0.5)
    assert [each.waiting_ms, each.network_ms] == pytest.approx([100, 200])
    assert each.images_per_second.value == pytest.approx(2)
    assert each.speedup and each.speedup.value == pytest.approx(4)
    (baseline,) = summarize(keras, context).end_to_end
    assert (baseline.method, baseline.decode_ms) == ("one by one", 5.0)
