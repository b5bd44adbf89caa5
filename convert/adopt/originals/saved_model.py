"""A TensorFlow SavedModel: a program, which only a folder that the user trusts may be."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.adopt.normalization import Normalization
from convert.adopt.originals.base import Original, Wanted, input_spec, wrong_ends
from convert.adopt.originals.onnx_file import OnnxOriginal
from temper.card.adoption import OutputKind
from temper.errors import ArtifactError, UsageError
from temper.runners.checks.failures import reason_of
from temper.runners.saved_model import import_tensorflow

DEFAULT = "serving_default"
OPSET = 15


class SavedModelOriginal(Original):
    """Runs a signature of a SavedModel on TensorFlow; tf2onnx wraps it as ONNX."""

    stored_as = ".onnx"

    def __init__(self, path: Path, named: Path, wanted: Wanted) -> None:
        """Load a private copy of the folder `named`. Raises ArtifactError when TensorFlow cannot open it."""
        self.name = named.name
        self._named = named
        self._tf = import_tensorflow()
        try:
            # The module is stored: its variables live as long as it does.
            self._module = self._tf.saved_model.load(str(path))
        except (OSError, ValueError) as error:
            raise ArtifactError(
                f"{named} cannot be opened by TensorFlow: {reason_of(error).replace(str(path), str(named))}",
                fix="Export it again.",
            ) from None
        self._endpoint = _signature(self._module, named, wanted.signature)
        inputs, outputs = self._endpoint.structured_input_signature[1], self._endpoint.structured_outputs
        if len(inputs) != 1 or len(outputs) != 1:
            raise ArtifactError(
                f"the signature of {named} {wrong_ends(len(inputs), len(outputs))}",
                fix="Name another one with --signature, or export one that takes the image alone.",
            )
        (self._input, tensor), self._output = next(iter(inputs.items())), next(iter(outputs))
        self._dtype = tensor.dtype
        shape = tensor.shape.as_list() if tensor.shape.rank else []
        self.spec = input_spec(self.name, shape, tensor.dtype.name, wanted)
        size = self.spec.size
        self.outputs = self.raw(np.zeros((1, size, size, 3), np.uint8), Normalization(name="none")).shape[1]

    def _run(self, inputs: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(self._call(self._tf.convert_to_tensor(inputs)))

    def _call(self, inputs: Any) -> Any:
        return self._endpoint(**{self._input: inputs})[self._output]

    def save_wrapped(self, target: Path, normalization: Normalization, kind: OutputKind) -> None:
        """Convert the signature to ONNX and write it with preprocessing and softmax inside."""
        import tf2onnx

        logging.getLogger("tf2onnx").setLevel(logging.ERROR)
        spec = self.spec
        shape = [spec.size, spec.size, 3] if spec.layout == "NHWC" else [3, spec.size, spec.size]
        signature = [self._tf.TensorSpec([spec.batch, *shape], self._dtype, name="input")]
        model, _ = tf2onnx.convert.from_function(
            self._tf.function(self._call, input_signature=signature), input_signature=signature, opset=OPSET
        )
        wanted = Wanted(layout=spec.layout, size=spec.size)
        OnnxOriginal(model, self._named, wanted).save_wrapped(target, normalization, kind)


def _signature(module: Any, named: Path, wanted: str) -> Any:
    names = sorted(module.signatures)
    name = wanted or (DEFAULT if DEFAULT in names else names[0] if len(names) == 1 else "")
    if name not in names:
        raise UsageError(
            f"{named} has the signatures {', '.join(names)}" if names else f"{named} has no signature",
            fix="Name one: --signature NAME." if names else "Export it with one:\n    model.export('folder')",
        )
    return module.signatures[name]
