import dataclasses
from pathlib import Path

import onnx
import pytest

from convert.pipeline import ConversionRejected
from convert.precision.int8 import make_int8
from convert.settings import ConversionSettings
from convert.verification.accuracy_gate import Limits
from temper.card import read_card, write_card
from temper.storage.atomic import sha256_of
from tests import tiny

STRICT = Limits(max_drop=0.5, min_agreement=95)


def test_a_model_that_quantises_well_keeps_no_layer(bundle: Path) -> None:
    target = bundle.with_name("model.int8.onnx")
    make_int8(tiny.pipeline_of(bundle), ConversionSettings("int8"), bundle.with_name("model.fp32.onnx"), target)
    calibration = read_card(target).calibration
    assert calibration["kept"] == []
    assert set(calibration["mean_difference"]) == {"max", "percentile", "entropy"}
    assert calibration["method"] == min(calibration["mean_difference"], key=calibration["mean_difference"].get)
    assert len(calibration["files"]) == calibration["pictures"] == 48


def make_hard(bundle: Path) -> Path:
    """Scale a channel by 10⁵ and its successor's weights by 10⁻⁵: the same answers, impossible ranges."""
    fp32 = bundle.with_name("model.fp32.onnx")
    model = onnx.load(fp32)
    for weights in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weights).copy()
        if weights.name in ("w1", "b1"):
            values[0] *= 1e5
        if weights.name == "w2":
            values[:, 0] *= 1e-5
        weights.CopyFrom(onnx.numpy_helper.from_array(values, weights.name))
    onnx.save(model, fp32)
    write_card(fp32, dataclasses.replace(read_card(fp32), sha256=sha256_of(fp32)))
    return fp32


def test_plain_int8_of_a_hard_model_fails_and_the_repaired_one_passes(bundle: Path) -> None:
    fp32, target = make_hard(bundle), bundle.with_name("model.int8.onnx")
    with pytest.raises(ConversionRejected):
        make_int8(tiny.pipeline_of(bundle, STRICT), ConversionSettings("int8", most_kept=0), fp32, target)
    assert bundle.with_name("model.int8.onnx.rejected").exists()

    said: list[str] = []
    make_int8(tiny.pipeline_of(bundle, STRICT, said), ConversionSettings("int8"), fp32, target)
    kept = read_card(target).calibration["kept"]
    assert kept[0]["layer"] == "block_2"
    assert kept[0]["damage"] > 0
    assert read_card(target).calibration["slower"] > 0
    assert any("block_2" in line for line in said)
    assert read_card(target).agreement["agreement"] >= 0.95


def test_a_second_run_does_not_calibrate_again(bundle: Path) -> None:
    said: list[str] = []
    target = bundle.with_name("model.int8.onnx")
    make_int8(tiny.pipeline_of(bundle), ConversionSettings("int8"), bundle.with_name("model.fp32.onnx"), target)
    make_int8(
        tiny.pipeline_of(bundle, said=said), ConversionSettings("int8"), bundle.with_name("model.fp32.onnx"), target
    )
    assert said == ["model.int8.onnx: up to date"]


def test_few_pictures_are_a_warning(bundle: Path) -> None:
    said: list[str] = []
    target = bundle.with_name("model.int8.onnx")
    make_int8(
        tiny.pipeline_of(bundle, said=said),
        ConversionSettings("int8", "max"),
        bundle.with_name("model.fp32.onnx"),
        target,
    )
    assert any("warning: 48 pictures calibrate" in line for line in said)
