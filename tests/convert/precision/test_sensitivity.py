from pathlib import Path

import numpy as np
import onnx
import pytest

from convert.precision.ort_session import OrtModel
from convert.precision.sensitivity import Quantizer
from temper.cli.progress import no_progress
from tests import tiny


@pytest.fixture
def quantizer(bundle: Path) -> Quantizer:
    dataset = tiny.pipeline_of(bundle).dataset
    training = dataset.examples("train")
    return Quantizer(
        source=bundle.with_name("model.fp32.onnx"),
        dataset=dataset,
        sample=training,
        trial_images=np.concatenate(list(dataset.batches(training[:24]))),
        progress=no_progress,
    )


def mean_abs_diff(quantizer: Quantizer, excluded: tuple[str, ...] = ()) -> float:
    predicted = OrtModel(quantizer.quantized("max", excluded).SerializeToString()).predict(quantizer.trial_images)
    return float(np.abs(predicted - quantizer.fp32_probabilities).mean())


def test_the_sensitivity_of_a_layer_is_that_of_a_model_in_which_it_alone_is_int8(quantizer: Quantizer) -> None:
    layers = {node.name for node in onnx.load(quantizer.source).graph.node if node.op_type == "Conv"}
    ranked = quantizer.sensitivities("max")
    assert {each.layer for each in ranked} == layers
    for each in ranked:
        others = tuple(layers - {each.layer})
        assert each.mean_abs_diff == pytest.approx(mean_abs_diff(quantizer, others), rel=1e-3)
    assert ranked == sorted(ranked, key=lambda each: -each.mean_abs_diff)


def test_a_model_with_every_layer_in_floating_point_differs_less(quantizer: Quantizer) -> None:
    layers = tuple(each.layer for each in quantizer.sensitivities("max"))
    assert mean_abs_diff(quantizer, layers) < mean_abs_diff(quantizer)


def test_the_calibration_method_nearest_to_fp32_comes_first(quantizer: Quantizer) -> None:
    before = quantizer.source.read_bytes()
    differences = quantizer.compare_methods(("max", "percentile"))
    assert set(differences) == {"max", "percentile"}
    assert list(differences.values()) == sorted(differences.values())
    assert differences["max"] == pytest.approx(mean_abs_diff(quantizer))
    assert quantizer.source.read_bytes() == before


def test_ranges_are_measured_once_for_each_method(quantizer: Quantizer) -> None:
    assert quantizer.ranges("max") is quantizer.ranges("max")
