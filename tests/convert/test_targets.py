import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convert.pipeline import Pipeline
from convert.settings import ConversionSettings
from convert.targets import default_name, make
from temper.card import read_card, write_card
from temper.errors import MissingRuntime, UserError
from temper.system.gpu import find_gpu
from tests import tiny


def wish(precision: str) -> ConversionSettings:
    return ConversionSettings(precision, method="max")  # type: ignore[arg-type]


@pytest.fixture
def pipeline(bundle: Path) -> Pipeline:
    return tiny.pipeline_of(bundle)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_an_openvino_file_is_made_through_the_onnx_of_its_precision(
    pipeline: Pipeline, bundle: Path, precision: str
) -> None:
    target = default_name(bundle, precision, ".xml")  # type: ignore[arg-type]
    make(pipeline, wish(precision), target)
    card = read_card(target)
    assert card.precision == precision
    assert card.made_from["file"] == f"model.{precision}.onnx"
    assert read_card(bundle.with_name(card.made_from["file"])).made_from["file"] == "model.fp32.onnx"
    assert card.agreement["agreement"] == 1


def test_a_plan_says_where_it_could_not_be_run(pipeline: Pipeline, bundle: Path) -> None:
    target = bundle.with_name("model.fp16.plan")
    try:
        make(pipeline, wish("fp16"), target)
    except MissingRuntime as missing:
        pytest.skip(str(missing))
    card = read_card(target)
    assert card.batch == (1, 8, 32)
    assert "not_run" in card.agreement or card.agreement["agreement"] == 1


@pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU here")
def test_words_to_the_compiler_are_part_of_the_recipe_and_take_effect(pipeline: Pipeline, bundle: Path) -> None:
    target = bundle.with_name("model.fp32.plan")
    words = dataclasses.replace(wish("fp32"), builder=("profiles=1:1:1",), batch=(2, 4, 16))
    try:
        make(pipeline, words, target)
    except MissingRuntime as missing:
        pytest.skip(str(missing))
    card = read_card(target)
    assert card.batch == (1, 4, 16)
    assert card.recipe == {"to": ".plan", "batch": [2, 4, 16], "builder": ["profiles=1:1:1"]}


def test_tftrt_takes_the_saved_model_the_precision_the_batches_and_training_pictures(
    pipeline: Pipeline, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []

    def refuse(source: Path, target: Path, precision: str, batch: object, calibration: Callable[[], Any]) -> None:
        asked.append((source.name, target.name, precision, batch, sum(len(each) for each in calibration())))
        raise MissingRuntime("this TensorFlow has no TensorRT")

    monkeypatch.setattr("convert.exporters.tftrt.to_tftrt", refuse)
    monkeypatch.setattr("convert.targets._saved_model", lambda *_: None)
    with pytest.raises(MissingRuntime):
        source = default_name(bundle, "fp32", ".savedmodel")
        shutil.copy(bundle.with_name("model.fp32.onnx"), source)
        write_card(source, read_card(bundle.with_name("model.fp32.onnx")))
        make(pipeline, wish("int8"), bundle.with_name("model.int8.tftrt"))
    assert asked == [("model.fp32.savedmodel", "model.int8.tftrt", "int8", (1, 8, 32), 48)]


def test_a_calibration_is_in_the_card_of_every_int8_artifact(pipeline: Pipeline, bundle: Path) -> None:
    make(pipeline, wish("int8"), bundle.with_name("model.int8.xml"))
    assert read_card(bundle.with_name("model.int8.xml")).calibration["method"] == "max"


@pytest.mark.parametrize(
    ("name", "words"), [("model.h5", "no suffix that Temper knows"), ("other.keras", "cannot be converted to")]
)
def test_what_cannot_be_made_says_what_can(pipeline: Pipeline, bundle: Path, name: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        make(pipeline, wish("fp32"), bundle.with_name(name))


def test_a_saved_model_in_half_precision_is_refused_not_made_otherwise(pipeline: Pipeline, bundle: Path) -> None:
    with pytest.raises(UserError, match="always fp32"):
        make(pipeline, wish("fp16"), bundle.with_name("model.fp16.savedmodel"))


def test_without_tensorrt_the_onnx_is_made_and_verified_all_the_same(
    pipeline: Pipeline, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object, **__: object) -> object:
        raise MissingRuntime("TensorRT is not installed")

    monkeypatch.setattr("convert.trt.to_tensorrt.to_tensorrt", absent)
    with pytest.raises(MissingRuntime):
        make(dataclasses.replace(pipeline), wish("fp16"), bundle.with_name("model.fp16.plan"))
    assert read_card(bundle.with_name("model.fp16.onnx")).agreement["agreement"] == 1
    assert not list(bundle.parent.glob("*.plan*"))
