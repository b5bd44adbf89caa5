"""FORMATS, the one place where a format is listed: how it is stored, run, installed and converted."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # The commands list formats before they import any library.
    from temper.card import Precision

# The backends of Keras, in the order of preference.
KERAS_BACKENDS = ("tensorflow", "jax", "torch")


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """How one format is made in one precision.

    source, source_precision: suffix and precision of the artifact that it is converted from.
    function: "module:function" of a convert.job.Converter. settings: names of the fields of
    convert.settings.ConversionSettings that decide the result.
    """

    source: str
    source_precision: "Precision"
    function: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Format:
    """A way to store a classifier.

    suffix: of the artifact's path. title: of its runtime. runner: "module:class" of a temper.runners.base.Runner.
    requires: modules that the runner imports. requires_one: modules of which it needs one besides. install: the command
    that installs them. extra: the extra of the wheel (pyproject.toml) with the same packages. modes: ways to call the
    runner; the first that works is the default. companions: suffixes that replace the format's own in files that belong
    to the artifact. is_folder: whether the artifact is a folder. is_program: whether it can run any code when it is
    loaded or used, so that its origin must be known (temper.trust). needs_gpu: whether it runs on an NVIDIA GPU only.
    on_request: converted only when it is named as a target. preference: of the artifacts of a folder, the one with the
    smallest number is used where nothing is measured; by precision. buildable: "module:function" that says whether it
    can be built on this machine; by default it can where `requires` are installed. conversions: how it is made, by
    precision; empty for the format that is trained.
    """

    suffix: str
    title: str
    runner: str
    requires: tuple[str, ...]
    install: str
    requires_one: tuple[str, ...] = ()
    extra: str = ""
    modes: tuple[str, ...] = ("",)
    companions: tuple[str, ...] = ()
    is_folder: bool = False
    is_program: bool = False
    needs_gpu: bool = False
    on_request: bool = False
    buildable: str = ""
    preference: Mapping["Precision", int] = field(default_factory=dict, hash=False)
    conversions: Mapping["Precision", Conversion] = field(default_factory=dict, hash=False)

    def missing(self, modules: Collection[str]) -> list[str]:
        """What the runner needs besides these modules.

        >>> FORMATS[0].missing({"keras"}), FORMATS[0].missing({"keras", "jax"})
        (['tensorflow, jax or torch'], [])
        """
        missing = [each for each in self.requires if each not in modules]
        if not self.requires_one or any(each in modules for each in self.requires_one):
            return missing
        *others, last = self.requires_one
        return [*missing, f"{', '.join(others)} or {last}"]


def _from_onnx(function: str, settings: tuple[str, ...] = ()) -> "dict[Precision, Conversion]":
    precisions: tuple[Precision, ...] = ("fp32", "fp16", "int8")
    return {
        each: Conversion(source=".onnx", source_precision=each, function=function, settings=settings)
        for each in precisions
    }


# The order of preference on a CPU is the one measured in benchmarks/results/photos-224/report.md: fp16 of ONNX is
# executed in fp32 there. An NVIDIA GPU comes first.
FORMATS: tuple[Format, ...] = (
    Format(
        suffix=".keras",
        title="Keras",
        runner="temper.runners.keras:KerasRunner",
        preference={"fp32": 31},
        requires=("keras",),
        requires_one=KERAS_BACKENDS,
        install="pip install tensorflow keras",
        extra="keras",
        modes=("tf.function", "predict", "predict_on_batch", "XLA"),
    ),
    Format(
        suffix=".savedmodel",
        title="TensorFlow",
        runner="temper.runners.saved_model:SavedModelRunner",
        preference={"fp32": 30},
        requires=("tensorflow",),
        install="pip install tensorflow keras",
        extra="keras",
        is_folder=True,
        is_program=True,
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
        preference={"int8": 10, "fp16": 11, "fp32": 12},
        requires=("tensorflow",),
        install="pip install -r requirements-tftrt.txt",
        is_folder=True,
        is_program=True,
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
        preference={"int8": 21, "fp32": 24, "fp16": 25},
        requires=("onnxruntime", "onnx"),
        install="pip install onnxruntime onnx",
        extra="onnx",
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
        preference={"int8": 20, "fp16": 22, "fp32": 23},
        requires=("openvino",),
        install="pip install openvino",
        extra="openvino",
        companions=(".bin",),
        conversions=_from_onnx("convert.exporters.openvino_ir:convert"),
    ),
    Format(
        suffix=".plan",
        title="TensorRT",
        runner="temper.runners.tensorrt:TensorRtRunner",
        preference={"int8": 0, "fp16": 1, "fp32": 2},
        requires=("tensorrt",),
        install="pip install tensorrt cuda-python",
        extra="tensorrt",
        is_program=True,
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


def describe_suffixes(formats: Iterable[Format] | None = None) -> str:
    """Formats with their runtimes in one line, for the help of commands; by default all of them.

    >>> describe_suffixes(FORMATS[:2])
    '.keras (Keras), .savedmodel (TensorFlow)'
    """
    return ", ".join(f"{each.suffix} ({each.title})" for each in (FORMATS if formats is None else formats))
