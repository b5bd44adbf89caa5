"""Which steps lead from a Keras model to the artifact that a suffix names."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

from convert.pipeline import Facts, Pipeline, Step
from convert.precision.calibration_sample import draw_sample
from convert.settings import ConversionSettings
from convert.trt.build_options import parse_options
from temper.card import Precision
from temper.errors import UserError
from temper.formats import SUFFIXES, format_of
from temper.runners.base import Images


def make(pipeline: Pipeline, wish: ConversionSettings, target: Path) -> None:
    """Make a target and what it is made from; force is for the target alone.

    Raises UserError for a suffix or a precision it cannot have.
    """
    suffix = format_of(target).suffix
    if suffix not in MAKERS:
        raise UserError(f"{target} cannot be converted to. Expected one of {', '.join(MAKERS)}.")
    MAKERS[suffix](pipeline, wish, target)


def default_name(model: Path, precision: Precision, suffix: str) -> Path:
    """Where an artifact goes when nobody says: beside the model, `model.int8.onnx`."""
    return model.with_name(f"{model.stem}.{precision}{suffix}")


def _onnx(pipeline: Pipeline, wish: ConversionSettings, target: Path) -> None:
    model = pipeline.pictures.model
    if wish.precision == "fp32":
        pipeline.run(Step(model, target, "fp32", {"to": "onnx"}, _export))
        return
    source = default_name(model, "fp32", ".onnx")
    _onnx(_unforced(pipeline), ConversionSettings("fp32"), source)
    if wish.precision == "fp16":
        from convert.precision.fp16 import make_fp16

        make_fp16(pipeline, source, target)
    else:
        from convert.precision.int8 import make_int8

        make_int8(pipeline, wish, source, target)


def _unforced(pipeline: Pipeline) -> Pipeline:
    return dataclasses.replace(pipeline, force=False)


def _equal(batches: Iterator[Images]) -> Iterator[Images]:
    """Batches of one size: TensorRT calibrates with nothing else."""
    first = next(batches)
    yield first
    yield from (batch for batch in batches if len(batch) == len(first))


def _export(source: Path, target: Path) -> Facts:
    # TensorFlow is imported only where a Keras model is opened.
    from convert.exporters.onnx_export import to_onnx

    to_onnx(source, target)
    return {}


def _from_onnx(
    suffix: str, convert: Callable[[ConversionSettings, Path, Path], Facts]
) -> Callable[[Pipeline, ConversionSettings, Path], None]:
    def make_it(pipeline: Pipeline, wish: ConversionSettings, target: Path) -> None:
        source = default_name(pipeline.pictures.model, wish.precision, ".onnx")
        _onnx(_unforced(pipeline), wish, source)
        plan = {"batch": list(wish.batch), "builder": list(wish.builder)} if suffix == ".plan" else {}
        recipe = {"to": suffix, **plan}
        pipeline.run(Step(source, target, wish.precision, recipe, lambda one, other: convert(wish, one, other)))

    return make_it


def _openvino(wish: ConversionSettings, source: Path, target: Path) -> Facts:
    from convert.exporters.openvino_ir import to_openvino

    to_openvino(source, target)
    return {}


def _plan(wish: ConversionSettings, source: Path, target: Path) -> Facts:
    from convert.trt.to_tensorrt import to_tensorrt

    facts: Facts = to_tensorrt(source, target, wish.batch, parse_options(list(wish.builder)))
    return facts


def _saved_model(pipeline: Pipeline, wish: ConversionSettings, target: Path) -> None:
    if wish.precision != "fp32":
        raise UserError(
            f"{target}: a SavedModel is always fp32. Ask for --precision fp32, or for {', '.join(SUFFIXES)}."
        )
    from convert.exporters.saved_model import to_saved_model

    def convert(source: Path, other: Path) -> Facts:
        to_saved_model(source, other)
        return {}

    pipeline.run(Step(pipeline.pictures.model, target, "fp32", {"to": "savedmodel"}, convert))


def _tftrt(pipeline: Pipeline, wish: ConversionSettings, target: Path) -> None:
    source = default_name(pipeline.pictures.model, "fp32", ".savedmodel")
    _saved_model(_unforced(pipeline), ConversionSettings("fp32"), source)
    pictures = pipeline.pictures

    def convert(one: Path, other: Path) -> Facts:
        from convert.exporters.tftrt import to_tftrt

        sample = draw_sample(pictures.examples("train"), wish.pictures, wish.seed)
        facts: Facts = to_tftrt(one, other, wish.precision, wish.batch, lambda: _equal(pictures.batches(sample)))
        return facts

    recipe = {
        "to": "tftrt",
        "precision": wish.precision,
        "batch": list(wish.batch),
        "pictures": wish.pictures,
        "seed": wish.seed,
    }
    pipeline.run(Step(source, target, wish.precision, recipe, convert))


MAKERS: dict[str, Callable[[Pipeline, ConversionSettings, Path], None]] = {
    ".onnx": _onnx,
    ".xml": _from_onnx(".xml", _openvino),
    ".plan": _from_onnx(".plan", _plan),
    ".savedmodel": _saved_model,
    ".tftrt": _tftrt,
}
