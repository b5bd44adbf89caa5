"""The records that make up a card. Fractions lie in [0, 1]; an empty string or None means that nothing is known."""

from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from temper.card.adoption import Adoption
from temper.card.agreement import Agreement
from temper.card.latency_budget import LatencyBudget
from temper.card.values import BatchSize, Count, FileName, Fraction, Label, NotBlank, Sha256, Size

SCHEMA = 2
Precision = Literal["fp32", "fp16", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


class FileReference(Struct, frozen=True):
    """A file in the artifact's folder, by name (no path, on any system), and the SHA-256 of its content."""

    file: FileName
    sha256: Sha256

    def __post_init__(self) -> None:
        if len(self.file.encode()) > 255:
            raise ValueError("a file name has more than 255 bytes")


class Preprocessing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an image file becomes the input tensor; other pixels mean other predictions.

    The defaults are what temper.images does; an unknown field may name a step that is not applied, so it is an error.
    resize: both sides to Card.size, the aspect ratio is not preserved.
    """

    dtype: str = "uint8"
    layout: str = "NHWC"
    channels: str = "RGB"
    frame: str = "first"
    orientation: str = "EXIF rotation applied"
    transparency: str = "composited on white"
    resize: str = "stretched to a square"
    interpolation: str = "bilinear, antialiased"


class BatchRange(Struct, frozen=True, array_like=True):
    """Batch sizes that a plan accepts, and the one that it is optimized for."""

    min: BatchSize
    best: BatchSize
    max: BatchSize

    def __post_init__(self) -> None:
        if not self.min <= self.best <= self.max:
            raise ValueError(f"batch sizes are not in order: {self.min}, {self.best}, {self.max}")


class Host(Struct, frozen=True, kw_only=True):
    """The machine on which an artifact was made; no name and no address.

    memory_gib: GiB. system: operating system and architecture, "Linux x86_64". device: "CPU" or "GPU".
    """

    processor: str = ""
    cores: Count = 0
    memory_gib: Count = 0
    system: NotBlank = ""
    device: str = ""


class Dataset(Struct, frozen=True, kw_only=True):
    """Which images the model was trained on and which were held out.

    split: the file that lists every image with its subset. folder: where the images were. title: for reports.
    """

    split: FileReference
    folder: str
    title: str = ""


class TrainingResult(Struct, frozen=True, kw_only=True):
    """How the trained model does on the test subset.

    interval: 95 % interval of the accuracy (Wilson). ece_before, ece_after: expected calibration error before and after
    temperature scaling. known: fraction of images whose confidence reaches the threshold. seconds: duration of fitting.
    """

    images: Count
    accuracy: Fraction
    interval: tuple[float, float]
    temperature: float = 1.0
    ece_before: float = 0.0
    ece_after: float = 0.0
    known: Fraction | None = None
    seconds: float = 0.0


class Training(Struct, frozen=True, kw_only=True):
    """The configuration that a model was trained with (train.config.TrainingConfig as JSON), and the result."""

    config: dict[str, Any]
    result: TrainingResult


class Provenance(Struct, frozen=True, kw_only=True):
    """Where an artifact comes from.

    source: the artifact it was converted from; None for a trained or adopted model. model_sha256: the model that the
    chain of conversions began with. settings: those that decide the result; an equal source and equal settings are not
    converted twice. temper, commit: version and commit of this project. versions: of the libraries.
    """

    source: FileReference | None = None
    model_sha256: str = ""
    settings: dict[str, Any] = {}
    temper: str = ""
    commit: str = ""
    versions: dict[str, str] = {}
    build_seconds: float = 0.0


class LayerSensitivity(Struct, frozen=True):
    """The mean absolute difference of the probabilities that quantizing one layer alone causes."""

    layer: str
    mean_abs_diff: float


class Calibration(Struct, frozen=True, kw_only=True):
    """How activation ranges were measured.

    sha256: one hash over the calibration images. files: their names, "label/file". method: the calibration method that
    was chosen. mean_abs_diff: of the probabilities from fp32, for each method that was tried. max_activation: the
    largest absolute value. excluded: layers that int8 leaves in floating point. slowdown: CPU time with those layers
    over without. excluded_nodes: nodes that fp16 leaves in fp32.
    """

    images: Count
    seed: int
    sha256: str
    files: tuple[str, ...] = ()
    method: str = ""
    mean_abs_diff: dict[str, float] = {}
    max_activation: float | None = None
    excluded: tuple[LayerSensitivity, ...] = ()
    excluded_nodes: tuple[str, ...] = ()
    slowdown: float | None = None


class PlanInfo(Struct, frozen=True, kw_only=True):
    """What a TensorRT plan was built with and for.

    module: "tensorrt" or "tensorrt_rtx". compute_capability: of the GPU it was built on, "8.9". portable: see
    convert.trt.build_options. compute_capabilities: the targets of TensorRT-RTX. kernels: counts by executed precision.
    timing_cache: name of the file that the build used, and the start of its SHA-256.
    """

    module: str
    version: str
    gpu: str = ""
    compute_capability: str = ""
    driver: str = ""
    portable: tuple[str, ...] = ()
    compute_capabilities: tuple[str, ...] = ()
    kernels: str = ""
    timing_cache: str = ""


class Card(Struct, frozen=True, kw_only=True):
    """What an artifact means to everything that reads it.

    labels: class names in the order of the output. size: height and width of the input images in pixels; the input is
    uint8 RGB [n, size, size, 3]. batch: None where any batch size works. sha256: of the artifact's own files. golden:
    sixteen held-out images with the model's probabilities, for the self-test. confidence_threshold: probability below
    which the predicted label should be treated as unknown. adopted: of a model that was not trained here, and of what
    is converted from it. agreement: None for the model itself. latency_budget: None before
    a benchmark searched one. not_run: why the artifact could not be run on the machine that made it; the agreement is
    then that of its source.

    >>> Card(labels=("cat", "dog"), size=224).precision
    'fp32'
    """

    labels: Annotated[tuple[Label, ...], Meta(min_length=2)]
    size: Size
    precision: Precision = "fp32"
    preprocessing: Preprocessing = Preprocessing()
    batch: BatchRange | None = None
    sha256: Sha256 = ""
    provenance: Provenance = Provenance()
    host: Host = Host()
    dataset: Dataset | None = None
    golden: FileReference | None = None
    confidence_threshold: Fraction | None = None
    training: Training | None = None
    adopted: Adoption | None = None
    calibration: Calibration | None = None
    plan: PlanInfo | None = None
    agreement: Agreement | None = None
    latency_budget: LatencyBudget | None = None
    not_run: str = ""
    schema: Literal[2] = 2

    def __post_init__(self) -> None:
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("a label is listed twice")

    def changed(self, **fields: Any) -> "Card":
        """A copy with some fields replaced."""
        return msgspec.structs.replace(self, **fields)

    @property
    def measured_agreement(self) -> Agreement | None:
        """The agreement, or None when it was not measured with this artifact."""
        return None if self.not_run else self.agreement

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the model at the start of the chain: the artifact's own for a trained or adopted model."""
        return self.provenance.model_sha256 or self.sha256
