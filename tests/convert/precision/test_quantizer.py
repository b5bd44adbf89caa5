import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convert.dataset import BATCH
from convert.precision.calibration import METHODS
from convert.precision.ort_session import OrtModel
from convert.precision.quantizer import Quantizer
from temper.cli.progress import no_progress
from temper.runners.onnx_x86 import rewrite_for_x86
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
    int8 = rewrite_for_x86(quantizer.quantized("max", excluded).SerializeToString())
    predicted = OrtModel(int8).predict(quantizer.trial_images)
    return float(np.abs(predicted - quantizer.fp32_probabilities).mean())


def test_all_quantized_layers_are_ranked(quantizer: Quantizer) -> None:
    ranked = quantizer.sensitivities("max")
    assert {each.layer for each in ranked} == {"stem", "block_1", "block_2"}
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


def test_ranges_are_measured_once_for_all_methods(quantizer: Quantizer) -> None:
    steps: list[tuple[str, int, int]] = []
    watched = replace(quantizer, progress=lambda *step: steps.append(step))
    watched.compare_methods(METHODS)
    total = len(quantizer.sample)
    assert [done for step, done, of in steps if step == "measuring activation ranges" and of == total][-1] == total
    assert len(steps) == math.ceil(total / BATCH) + len(METHODS) + 1
