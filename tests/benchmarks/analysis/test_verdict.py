import dataclasses

import pytest

from benchmarks.analysis.report import Speedup
from benchmarks.analysis.statistics import Estimate
from benchmarks.analysis.verdict import headline, warnings, with_verdicts
from tests.benchmarks.made import KERAS, line, report

NO_LOSS = Estimate(0.001, 0.0, 0.003)


def said(*lines: object) -> dict[str, str]:
    return {each.name: each.verdict for each in with_verdicts(report(line(KERAS, 80, None), *lines)).lines}  # type: ignore[arg-type]


def test_the_fastest_that_keeps_its_accuracy_is_to_be_used() -> None:
    verdicts = said(line("model.int8.onnx", 17, Estimate(4.6, 4.4, 4.8), NO_LOSS, "int8"))
    assert verdicts["model.int8.onnx"] == (
        "model.int8.onnx is 4.60× [4.40, 4.80] the speed of Keras tf.function and loses 0.1 points [0.0, 0.3]: use it."
    )


def test_an_interval_that_includes_no_gain_makes_a_candidate_useless() -> None:
    verdicts = said(line("model.fp32.onnx", 78, Estimate(1.02, 0.98, 1.06), NO_LOSS))
    assert "No gain is shown: useless here, stay with Keras tf.function." in verdicts["model.fp32.onnx"]


def test_half_precision_that_is_not_faster_is_sent_to_int8() -> None:
    verdicts = said(
        line("model.fp32.onnx", 40, Estimate(2.0, 1.9, 2.1), NO_LOSS),
        line("model.fp16.onnx", 41, Estimate(1.95, 1.9, 2.0), NO_LOSS, "fp16"),
        line("model.int8.onnx", 17, Estimate(4.6, 4.4, 4.8), NO_LOSS, "int8"),
    )
    assert "is not faster than model.fp32.onnx on this machine: use model.int8.onnx" in verdicts["model.fp16.onnx"]


def test_speed_bought_with_accuracy_is_refused() -> None:
    verdicts = said(
        line("model.fp32.onnx", 40, Estimate(2.0, 1.9, 2.1), NO_LOSS),
        line("model.int8.onnx", 17, Estimate(4.6, 4.4, 4.8), Estimate(0.03, 0.01, 0.05), "int8"),
    )
    assert "loses 3.0 points [1.0, 5.0]. That is too much: use model.fp32.onnx." in verdicts["model.int8.onnx"]
    assert verdicts["model.fp32.onnx"].endswith("use it.")


def test_a_gain_in_accuracy_is_told_as_one() -> None:
    verdicts = said(line("model.int8.onnx", 17, Estimate(4.6, 4.4, 4.8), Estimate(-0.002, -0.006, 0.001), "int8"))
    assert "gains 0.2 points [-0.1, 0.6]" in verdicts["model.int8.onnx"]


def test_the_same_accuracy_is_neither_lost_nor_gained() -> None:
    verdicts = said(line("model.int8.onnx", 17, Estimate(4.6, 4.4, 4.8), Estimate(0.0, -0.005, 0.005), "int8"))
    assert "the speed of Keras tf.function at the same accuracy [-0.5, 0.5 points]" in verdicts["model.int8.onnx"]


def test_answers_kept_from_elsewhere_are_named_as_such() -> None:
    measured = dataclasses.replace(report(line("model.int8.plan", 0.5, None)), reference="")
    assert any("Keras did not run here" in each for each in warnings(measured))
    assert not any("Keras did not run here" in each for each in warnings(report(line(KERAS, 80, None))))


@pytest.mark.parametrize(("ratio", "noisy"), [(1.019, False), (0.979, True), (1.03, True)])
def test_a_noisy_machine_is_named_before_anything_else(ratio: float, noisy: bool) -> None:
    first = headline(report(line(KERAS, 80, None), control=ratio))[0]
    assert first.startswith("Machine too noisy") is noisy


def test_a_row_that_never_settled_and_a_missing_control_are_told() -> None:
    settled = line(KERAS, 80, None)
    assert settled.latency is not None
    assert warnings(report(settled)) == []
    restless = dataclasses.replace(settled, latency=dataclasses.replace(settled.latency, stable=False))
    told = warnings(dataclasses.replace(report(restless), control=None))
    assert told[0] == "Never settled in its warm-up: Keras tf.function."
    assert "no A/A control" in told[1]


@pytest.mark.parametrize(("ratio", "told"), [(1.04, False), (0.96, False), (0.90, True), (1.2, True)])
def test_disturbed_throughput_is_told(ratio: float, told: bool) -> None:
    measured = report(line("model.int8.onnx", 10.0, None))
    assert measured.control
    again = Speedup("model.int8.onnx", 8, Estimate(ratio, ratio - 0.01, ratio + 0.01))
    control = dataclasses.replace(measured.control, throughput=(again,))
    said = warnings(dataclasses.replace(measured, control=control))
    assert any("batch 8 was disturbed" in each for each in said) is told
