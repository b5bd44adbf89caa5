import msgspec
import pytest

from benchmarks.analysis.report import CaseResult, Speedup
from benchmarks.analysis.statistics import Estimate
from benchmarks.analysis.verdict import headline, warnings, with_verdicts
from tests.benchmarks.sample_reports import KERAS, case_result, report, skipped_case

SMALL_DROP = Estimate(0.001, 0.0, 0.003)
replace = msgspec.structs.replace


def verdicts(*cases: CaseResult) -> dict[str, str]:
    made = with_verdicts(report(case_result(KERAS, 80), *cases))
    return {case.name: case.verdict for case in made.cases}


def test_the_fastest_with_a_small_drop_is_recommended() -> None:
    assert verdicts(case_result("model.int8.onnx", 17, Estimate(4.6, 4.4, 4.8), SMALL_DROP, "int8")) == {
        KERAS: "Keras tf.function is the baseline.",
        "model.int8.onnx": "model.int8.onnx is 4.60× [4.40, 4.80] as fast as Keras tf.function; "
        "its top-1 accuracy is 0.1 points [0.0, 0.3] lower. Recommended.",
    }


def test_an_interval_that_includes_no_speedup_proves_none() -> None:
    results = verdicts(case_result("model.fp32.onnx", 78, Estimate(1.02, 0.98, 1.06), SMALL_DROP))
    assert results["model.fp32.onnx"].endswith("No speedup is proven. Use Keras tf.function.")


def test_half_precision_that_is_not_faster_than_fp32_is_not_recommended() -> None:
    results = verdicts(
        case_result("model.fp32.onnx", 40, Estimate(2.0, 1.9, 2.1), SMALL_DROP),
        case_result("model.fp16.onnx", 41, Estimate(1.95, 1.9, 2.0), SMALL_DROP, "fp16"),
        case_result("model.int8.onnx", 17, Estimate(4.6, 4.4, 4.8), SMALL_DROP, "int8"),
    )
    assert "It is not faster than model.fp32.onnx on this machine. Use model.int8.onnx." in results["model.fp16.onnx"]
    assert results["model.fp32.onnx"].endswith("It can be used, but model.int8.onnx is faster.")


def test_a_large_drop_is_not_recommended_however_fast() -> None:
    results = verdicts(
        case_result("model.fp32.onnx", 40, Estimate(2.0, 1.9, 2.1), SMALL_DROP),
        case_result("model.int8.onnx", 17, Estimate(4.6, 4.4, 4.8), Estimate(0.03, 0.01, 0.05), "int8"),
    )
    assert results["model.int8.onnx"].endswith(
        "3.0 points [1.0, 5.0] lower. The drop exceeds the limit of 0.5 points. Use model.fp32.onnx."
    )
    assert results["model.fp32.onnx"].endswith("Recommended.")


def test_a_drop_that_is_not_decided_is_named_in_the_recommendation() -> None:
    undecided = case_result("model.int8.onnx", 17, Estimate(4.6, 4.4, 4.8), Estimate(0.0, -0.2, 0.207), "int8")
    words = "accuracy is not decided with 400 images (up to 20.7 points lower)."
    assert verdicts(undecided)["model.int8.onnx"].endswith(f"Recommended for its speed; {words}")
    worse = case_result("model.int8.xml", 10, Estimate(8.0, 7.9, 8.1), Estimate(0.062, -0.096, 0.207), "int8")
    results = verdicts(undecided, worse)
    assert results["model.int8.xml"].endswith(f"lower. A{words[1:]} Use model.int8.onnx.")
    assert results["model.int8.onnx"].endswith(f"Recommended for its speed; {words}")


def test_nothing_is_recommended_when_the_control_failed() -> None:
    fast = case_result("model.int8.onnx", 17, Estimate(4.6, 4.4, 4.8), SMALL_DROP, "int8")
    made = with_verdicts(report(case_result(KERAS, 80), fast, control=1.05))
    assert made.cases[1].verdict.endswith("lower. No recommendation, because the A/A control failed.")
    (only,) = headline(made)
    assert only.startswith("The machine is too noisy") and only.endswith("Nothing is recommended.")


def test_a_gain_in_accuracy_is_called_higher() -> None:
    results = verdicts(case_result("model.int8.onnx", 17, Estimate(4.6, 4.4, 4.8), Estimate(-0.002, -0.006, 0.001)))
    assert "accuracy is 0.2 points [-0.1, 0.6] higher" in results["model.int8.onnx"]


def test_the_same_accuracy_is_neither_higher_nor_lower() -> None:
    results = verdicts(case_result("model.int8.onnx", 17, Estimate(4.6, 4.4, 4.8), Estimate(0.0, -0.005, 0.005)))
    assert "accuracy is the same [-0.5, 0.5 points]" in results["model.int8.onnx"]


def test_another_mode_of_keras_is_never_recommended() -> None:
    results = verdicts(case_result("Keras XLA", 40, Estimate(2.0, 1.9, 2.1), SMALL_DROP))
    assert results["Keras XLA"].endswith("as fast as Keras tf.function. The same model, called in another mode.")


def test_a_skipped_case_and_one_without_baseline_give_the_reason() -> None:
    assert verdicts(skipped_case("model.plan"))["model.plan"] == "model.plan did not run: no GPU here."
    alone = with_verdicts(replace(report(case_result("model.onnx", 1)), baseline=""))
    assert alone.cases[0].verdict == "model.onnx was not compared, because Keras did not run beside it."
    adopted = with_verdicts(msgspec.structs.replace(alone, reference="the original model"))
    assert adopted.cases[0].verdict.endswith("because the original model did not run beside it.")
    assert headline(alone) == ["No artifact could be compared with Keras."]


def test_a_headline_without_a_recommendation_gives_the_reason() -> None:
    assert headline(report(case_result(KERAS, 80))) == [
        "No artifact is faster than Keras tf.function without a drop in accuracy."
    ]
    assert headline(report(skipped_case("model.plan"))) == []


def test_stored_predictions_are_named_as_such() -> None:
    measured = replace(report(case_result("model.int8.plan", 0.5)), baseline="")
    assert any("Keras did not run here" in each for each in warnings(measured))
    assert not any("Keras did not run here" in each for each in warnings(report(case_result(KERAS, 80))))


@pytest.mark.parametrize(("ratio", "noisy"), [(1.019, False), (0.979, True), (1.03, True)])
def test_a_noisy_machine_is_named_before_anything_else(ratio: float, noisy: bool) -> None:
    first = headline(report(case_result(KERAS, 80), control=ratio))[0]
    assert first.startswith("The machine is too noisy") is noisy


def test_an_unstable_case_and_a_missing_control_are_reported() -> None:
    stable = case_result(KERAS, 80)
    assert stable.latency is not None
    assert warnings(report(stable)) == []
    unstable = replace(stable, latency=replace(stable.latency, stable=False))
    assert warnings(replace(report(unstable), control=None)) == [
        "The latency of Keras tf.function did not become stable during warm-up.",
        "There is no A/A control: the noise of the machine is unknown.",
    ]


@pytest.mark.parametrize(("ratio", "disturbed"), [(1.04, False), (0.96, False), (0.90, True), (1.2, True)])
def test_disturbed_throughput_is_reported(ratio: float, disturbed: bool) -> None:
    measured = report(case_result("model.int8.onnx", 10.0))
    assert measured.control
    estimate = Estimate(ratio, ratio - 0.01, ratio + 0.01)
    throughput = (Speedup(baseline="model.int8.onnx", batch=8, ratio=estimate),)
    control = replace(measured.control, throughput=throughput)
    sentences = warnings(replace(measured, control=control))
    assert any("batch 8 was disturbed" in each for each in sentences) is disturbed
