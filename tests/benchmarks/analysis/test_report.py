import msgspec
import pytest

from benchmarks.analysis.report import MIN_SAMPLES_FOR_P99
from tests.benchmarks.sample_reports import KERAS, case_result, estimate, report, skipped_case


@pytest.mark.parametrize(
    ("executed", "precision"),
    [("52 int8, 3 fp32", "int8"), ("int8, rest bf16", "int8"), ("fp32", "fp32"), ("", "")],
)
def test_the_main_precision_is_that_of_most_kernels(executed: str, precision: str) -> None:
    assert msgspec.structs.replace(case_result("model.onnx", 1), executed=executed).main_precision == precision


def test_367_samples_bound_the_p99() -> None:
    latency = case_result("model.onnx", 1).latency
    assert latency and MIN_SAMPLES_FOR_P99 == 367
    for count, is_lower_bound in ((366, True), (367, False)):
        blocks = tuple((1.0,) for _ in range(count))
        assert msgspec.structs.replace(latency, blocks_ms=blocks).p99_is_lower_bound is is_lower_bound


def test_speedups_and_throughput_are_read_by_baseline_and_batch_size() -> None:
    case = case_result("model.onnx", 10, estimate(4.0))
    assert case.speedup(KERAS) == case.speedup(KERAS, 8) == estimate(4.0)
    assert case.speedup(KERAS, 1) is None
    assert case.speedup("Keras predict") is None
    assert case.images_per_second(8) == estimate(100.0)
    assert case.images_per_second(1) is None


def test_a_skipped_case_is_not_among_the_measured_ones() -> None:
    made = report(case_result(KERAS, 80), skipped_case("model.plan"))
    assert [case.name for case in made.measured] == [KERAS]
    assert made.cases[0].is_keras and not made.cases[1].is_keras
    assert made.batch_sizes == [8]


@pytest.mark.parametrize(("ratio", "passed"), [(1.019, True), (0.981, True), (1.021, False), (0.979, False)])
def test_the_control_passes_within_two_hundredths(ratio: float, passed: bool) -> None:
    control = report(control=ratio).control
    assert control and control.passed is passed
