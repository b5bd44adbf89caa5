"""What Triton can run of an artifact: the file, its platform, its tensors, its batch sizes."""

from dataclasses import dataclass
from pathlib import Path

import onnx

from convert.trt.build_options import parse_options
from temper.artifact import Artifact
from temper.card import BatchRange, Card
from temper.errors import ArtifactError, UsageError

PLATFORMS = {".plan": "tensorrt_plan", ".onnx": "onnxruntime_onnx"}
FILES = {"tensorrt_plan": "model.plan", "onnxruntime_onnx": "model.onnx"}
DATA_TYPES = {onnx.TensorProto.UINT8: "TYPE_UINT8", onnx.TensorProto.FLOAT: "TYPE_FP32"}


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """An end of the network. dims: without the batch."""

    name: str
    data_type: str
    dims: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Network:
    """An artifact as Triton runs it.

    batch: of a plan that of its card, else that of the settings. profiles: how many optimization profiles a plan has.
    """

    name: str
    platform: str
    card: Card
    batch: BatchRange
    images: Tensor
    probabilities: Tensor
    profiles: int = 1

    @property
    def needs_gpu(self) -> bool:
        """True for a plan."""
        return self.platform == "tensorrt_plan"


def network_of(artifact: Artifact, batch: BatchRange) -> Network:
    """Read the names and shapes of an artifact's tensors, and check that Triton can run it.

    A plan has the names of the ONNX file that it was compiled from, which lies beside it. Raises UsageError for another
    format, ArtifactError for a plan that Triton cannot run.
    """
    check_target(artifact)
    card = artifact.card
    images, probabilities = tensors_of(_graph_of(artifact))
    if artifact.format.suffix == ".plan":
        _check_plan(artifact)
    return Network(
        name=artifact.model_name,
        platform=PLATFORMS[artifact.format.suffix],
        card=card,
        batch=card.batch or batch,
        images=images,
        probabilities=probabilities,
        profiles=_profiles_of(card),
    )


def check_target(artifact: Artifact) -> None:
    """Raise UsageError for an artifact that Triton has no backend for."""
    if artifact.format.suffix not in PLATFORMS:
        raise UsageError(
            f"Triton does not run {artifact.name}: its backends run {' and '.join(PLATFORMS)} files",
            fix=f"Name a target that it runs, such as {artifact.model_name}.int8.onnx.",
        )


def tensors_of(path: Path) -> tuple[Tensor, Tensor]:
    """Input and output of an ONNX file. Raises ArtifactError when it has others than one of each, or other types."""
    graph = onnx.load(path, load_external_data=False).graph
    if len(graph.input) != 1 or len(graph.output) != 1:
        raise ArtifactError(f"{path} has {len(graph.input)} inputs and {len(graph.output)} outputs", fix="Convert it.")
    return _tensor(path, graph.input[0]), _tensor(path, graph.output[0])


def _tensor(path: Path, end: onnx.ValueInfoProto) -> Tensor:
    of_type = end.type.tensor_type
    if of_type.elem_type not in DATA_TYPES:
        name = onnx.TensorProto.DataType.Name(of_type.elem_type)
        raise ArtifactError(f"tensor {end.name!r} of {path} has the data type {name}", fix="Convert it again.")
    dims = tuple(each.dim_value for each in of_type.shape.dim)[1:]
    return Tensor(name=end.name, data_type=DATA_TYPES[of_type.elem_type], dims=dims)


def _graph_of(artifact: Artifact) -> Path:
    source = artifact.card.provenance.source
    if artifact.format.suffix == ".onnx" or source is None:
        return artifact.path
    graph = Artifact.at(artifact.path.with_name(source.file))
    if not graph.exists or graph.card.sha256 != source.sha256:
        raise ArtifactError(
            f"{artifact.name} was compiled from {source.file}, which is not beside it or has changed",
            fix="Convert it again.",
        )
    return graph.path


def _check_plan(artifact: Artifact) -> None:
    card = artifact.card
    if card.plan and card.plan.module != "tensorrt":
        raise ArtifactError(
            f"{artifact.name} was compiled by TensorRT-RTX, and Triton has TensorRT only",
            fix="Convert on a machine with an NVIDIA GPU and TensorRT (requirements-gpu.txt), or name a .onnx target.",
        )
    if card.batch and card.batch.min > 1:
        raise ArtifactError(
            f"{artifact.name} accepts no batch below {card.batch.min}, and Triton may send single images",
            fix=f"Convert it with --batch 1:{card.batch.best}:{card.batch.max}.",
        )


def _profiles_of(card: Card) -> int:
    words = tuple(card.provenance.settings.get("builder_options", ()))
    return 1 + len(parse_options(words).profiles)
