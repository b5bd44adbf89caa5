from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest

from convert.precision.sensitivity import Quantizer
from temper.card import read_card
from tests import tiny


@pytest.fixture
def quantizer(bundle: Path) -> Quantizer:
    pictures = tiny.pipeline_of(bundle).pictures
    training = pictures.examples("train")
    judged = np.concatenate(list(pictures.batches(training[:24])))
    return Quantizer(bundle.with_name("model.fp32.onnx"), partial(pictures.batches, training), judged, lambda _: None)


def test_a_layers_damage_is_that_of_a_file_in_which_it_alone_is_int8(quantizer: Quantizer) -> None:
    layers = {node.name for node in onnx.load(quantizer.source).graph.node if node.op_type == "Conv"}
    ranked = quantizer.damage("max")
    assert {each.layer for each in ranked} == layers
    for each in ranked:
        file = quantizer.attempt("max", tuple(layers - {each.layer}))
        assert each.damage == pytest.approx(file.mean_difference, rel=1e-3)
    assert ranked == sorted(ranked, key=lambda each: -each.damage)


def test_a_model_with_every_layer_in_float_does_next_to_no_damage(quantizer: Quantizer) -> None:
    layers = tuple(each.layer for each in quantizer.damage("max"))
    assert quantizer.attempt("max", layers).mean_difference < quantizer.attempt("max").mean_difference


def test_the_calibration_nearest_to_fp32_comes_first(quantizer: Quantizer) -> None:
    attempts = quantizer.choose(("max", "percentile"))
    assert attempts[0].mean_difference <= attempts[1].mean_difference
    assert read_card(quantizer.source).precision == "fp32"
