"""An ONNX file, with its weights inside or in files beside it, as PyTorch writes them."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.inliner
from numpy.typing import NDArray
from onnx import TensorProto

from convert.adopt.normalization import Normalization
from convert.adopt.originals.base import Original, Wanted, input_spec, wrong_ends
from convert.adopt.originals.wrap_onnx import write_wrapped
from temper.card.adoption import OutputKind
from temper.errors import ArtifactError
from temper.runners.checks.failures import reason_of
from temper.runners.checks.onnx_file import check_onnx
from temper.runners.onnxruntime import open_session

# What protobuf can hold.
MAX_BYTES = 2**31 - 1
FILE_NAME = re.compile(r"(?!\.{1,2}$)[^/\\\x00]+")
STANDARD = ("", "ai.onnx")
QUANTIZED = (
    "QuantizeLinear",
    "DequantizeLinear",
    "QLinearConv",
    "ConvInteger",
    "MatMulInteger",
    "DynamicQuantizeLinear",
)
OTHER_PRECISIONS = (TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
DTYPES = {TensorProto.FLOAT: "float32", TensorProto.UINT8: "uint8"}


class OnnxOriginal(Original):
    """Runs an ONNX graph on ONNX Runtime."""

    stored_as = ".onnx"

    def __init__(self, model: onnx.ModelProto, named: Path, wanted: Wanted) -> None:
        """Check a model that holds all of its weights. Raises ArtifactError for one that cannot be adopted."""
        self.name = named.name
        self._model = _plain(model, named)
        graph = self._model.graph
        tensor = graph.input[0].type.tensor_type
        shape = [each.dim_value if each.dim_value > 0 else None for each in tensor.shape.dim]
        dtype = DTYPES.get(tensor.elem_type, TensorProto.DataType.Name(tensor.elem_type).lower())
        self.spec = input_spec(self.name, shape, dtype, wanted)
        try:
            self._session = open_session(self._model.SerializeToString())
            size = self.spec.size
            self.outputs = self.raw(np.zeros((1, size, size, 3), np.uint8), Normalization(name="none")).shape[1]
        # ONNX Runtime's errors have no common class.
        except Exception as error:
            if isinstance(error, MemoryError):
                raise
            raise ArtifactError(
                f"{named} cannot be run by ONNX Runtime: {reason_of(error)}", fix="Export it again with a newer opset."
            ) from None

    def _run(self, inputs: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(self._session.run(None, {self._model.graph.input[0].name: inputs})[0])

    def save_wrapped(self, target: Path, normalization: Normalization, kind: OutputKind) -> None:
        """Write the graph with preprocessing and softmax inside."""
        write_wrapped(self._model, self.spec, normalization, kind, self.outputs, target)


def read_onnx(copies: list[Path], named: Path) -> onnx.ModelProto:
    """The model of private copies: the file, then the files that `weight_files` names.

    Raises ArtifactError for what is no ONNX file, and for weights that are in no file beside it.
    """
    try:
        model = onnx.load(copies[0])
    except Exception as error:
        raise ArtifactError(
            f"{named} cannot be read: {reason_of(error)}", fix="Copy it again, with its weights."
        ) from None
    check_onnx(model.SerializeToString(), named)
    return model


def weight_files(path: Path) -> list[Path]:
    """Files beside an ONNX file in which it keeps weights. Raises ArtifactError for files elsewhere, and for damage."""
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception:
        raise ArtifactError(f"{path} is not an ONNX file", fix="Copy it again, or export it again.") from None
    names = {
        entry.value
        for tensor in model.graph.initializer
        if tensor.data_location == TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    }
    files = [path.with_name(name) for name in sorted(names) if FILE_NAME.fullmatch(name)]
    if len(files) < len(names) or any(each.is_symlink() or not each.is_file() for each in files):
        missing = ", ".join(sorted(names))
        raise ArtifactError(
            f"{path} keeps weights in {missing}; expected a file beside it",
            fix="Copy it along, or export with all weights in the file:\n"
            "    torch.onnx.export(model, images, 'model.onnx', external_data=False)",
        )
    return files


def copy_with_weights(path: Path, folder: Path) -> list[Path]:
    """Copy an ONNX file and the files with its weights into a folder; the copies, in this order.

    Raises ArtifactError for more than 2 GB, before they are read or copied.
    """
    _check_size(path)
    files = [path, *weight_files(path)]
    _check_size(*files)
    return [Path(shutil.copy(each, folder)) for each in files]


def _check_size(*files: Path) -> None:
    if sum(each.stat().st_size for each in files) > MAX_BYTES:
        raise ArtifactError(f"{files[0]} has more than 2 GB", fix="Adopt a smaller model.")


def _plain(model: onnx.ModelProto, named: Path) -> onnx.ModelProto:
    """The model in standard operators, with one input and one output."""
    model = onnx.inliner.inline_local_functions(model)
    graph = model.graph
    weights = {each.name for each in graph.initializer}
    # Before version 4 of the format, weights were inputs too.
    inputs = [each for each in graph.input if each.name not in weights]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise ArtifactError(
            f"{named} {wrong_ends(len(inputs), len(graph.output))}",
            fix="Export a model that takes the image alone and gives the labels alone.",
        )
    del graph.input[:]
    graph.input.extend(inputs)
    kinds = {node.op_type for node in graph.node}
    if foreign := sorted({node.domain for node in graph.node} - set(STANDARD)):
        raise ArtifactError(
            f"{named} contains operators of {foreign[0]}, which are not of the ONNX standard",
            fix="Adopt the file as it was exported, before it was optimized.",
        )
    if kinds.intersection(QUANTIZED) or any(each.data_type in OTHER_PRECISIONS for each in graph.initializer):
        raise ArtifactError(
            f"{named} is quantized, or not in single precision",
            fix="Adopt the model in single precision; Temper converts it to fp16 and int8.",
        )
    return model
