"""FORMATS, the one place where a format is listed: how it is stored, run, installed and converted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from temper.card.records import Precision


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """How one format is made in one precision.

    source, source_precision: suffix and precision of the artifact that it is converted from.
    function: "module:function" of a convert.job.Converter. settings: names of the fields of
    convert.settings.ConversionSettings that decide the result.
    """

    source: str
    source_precision: Precision
    function: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Format:
    """A way to store a classifier.

    suffix: of the artifact's path. title: of its runtime. runner: "module:class" of a temper.runners.base.Runner.
    requires: modules that the runner imports. install: the command that installs them. modes: ways to call the runner,
    the default first. companions: suffixes that replace the format's own in files that belong to the artifact.
    is_folder: whether the artifact is a folder. needs_gpu: whether it runs on an NVIDIA GPU only. on_request: converted
    only when it is named as a target. buildable: "module:function" that says whether it can be built on this machine;
    by default it can where `requires` are installed. conversions: how it is made, by precision; empty for the format
    that is trained.
    """

    suffix: str
    title: str
    runner: str
    requires: tuple[str, ...]
    install: str
    modes: tuple[str, ...] = ("",)
    companions: tuple[str, ...] = ()
    is_folder: bool = False
    needs_gpu: bool = False
    on_request: bool = False
    buildable: str = ""
    conversions: Mapping[Precision, Conversion] = field(default_factory=dict, hash=False)


def _from_onnx(function: str, settings: tuple[str, ...] = ()) -> dict[Precision, Conversion]:
    precisions: tuple[Precision, ...] = ("fp32", "fp16", "int8")
    return {
        each: Conversion(source=".onnx", source_precision=each, function=function, settings=settings)
        for each in precisions
    }


FORMATS: tuple[Format, ...] = (
    Format(
        suffix=".keras",
        title="Keras",
        runner="temper.runners.keras:KerasRunner",
        requires=("keras", "tensorflow"),
        install="pip install -r requirements.txt",
        modes=("tf.function", "predict", "predict_on_batch", "XLA"),
    ),
    Format(
        suffix=".savedmodel",
        title="TensorFlow SavedModel",
        runner="temper.runners.saved_model:SavedModelRunner",
        requires=("tensorflow",),
        install="pip install -r requirements.txt",
        is_folder=True,
        conversions={
            "fp32": Conversion(
                source=".keras", source_precision="fp32", function="convert.exporters.saved_model:convert"
            )
        },
    ),
    Format(
        suffix=".tftrt",
        title="TF-TRT",
        runner="temper.runners.saved_model:SavedModelRunner",
        requires=("tensorflow",),
        install="pip install -r requirements-tftrt.txt",
        is_folder=True,
        needs_gpu=True,
        on_request=True,
        conversions={
            each: Conversion(
                source=".savedmodel",
                source_precision="fp32",
                function="convert.exporters.tftrt:convert",
                settings=("batch", "calibration_images", "seed"),
            )
            for each in ("fp32", "fp16", "int8")
        },
    ),
    Format(
        suffix=".onnx",
        title="ONNX Runtime",
        runner="temper.runners.onnxruntime:OnnxRuntimeRunner",
        requires=("onnxruntime", "onnx"),
        install="pip install onnxruntime onnx",
        conversions={
            "fp32": Conversion(
                source=".keras", source_precision="fp32", function="convert.exporters.onnx_export:convert"
            ),
            "fp16": Conversion(source=".onnx", source_precision="fp32", function="convert.precision.fp16:convert"),
            "int8": Conversion(
                source=".onnx",
                source_precision="fp32",
                function="convert.precision.int8:convert",
                settings=("calibration_method", "calibration_images", "seed", "max_float_layers"),
            ),
        },
    ),
    Format(
        suffix=".xml",
        title="OpenVINO",
        runner="temper.runners.openvino:OpenVinoRunner",
        requires=("openvino",),
        install="pip install openvino",
        companions=(".bin",),
        conversions=_from_onnx("convert.exporters.openvino_ir:convert"),
    ),
    Format(
        suffix=".plan",
        title="TensorRT",
        runner="temper.runners.tensorrt:TensorRtRunner",
        requires=("tensorrt",),
        install="pip install -r requirements-gpu.txt",
        needs_gpu=True,
        buildable="convert.trt.find:can_compile",
        conversions=_from_onnx("convert.trt.to_tensorrt:convert", settings=("batch", "builder_options")),
    ),
)


def suffixes() -> tuple[str, ...]:
    """The suffixes of all formats, in their order."""
    return tuple(each.suffix for each in FORMATS)


def format_of(name: str) -> Format | None:
    """The format that a file name's suffix stands for, or None.

    >>> format_of("model.int8.onnx").title
    'ONNX Runtime'
    """
    return next((each for each in FORMATS if name.endswith(each.suffix)), None)
