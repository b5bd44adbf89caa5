"""Original: a model as it was before it is wrapped, run by its own runtime."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from convert.adopt.normalization import Normalization
from temper.card.adoption import Layout, OutputKind
from temper.cli.text import plural
from temper.errors import ArtifactError, UsageError

BATCH = 16
CHANNELS = 3
DTYPES = ("float32", "uint8")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the user says of the input; None or "" for what the model itself says. signature: of a SavedModel."""

    layout: Layout | None = None
    size: int | None = None
    signature: str = ""


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """The input of a model. size: of its square images in pixels. batch: the only one that it takes; None for any."""

    size: int
    layout: Layout
    dtype: str
    batch: int | None


class Original:
    """A model that was read and checked. A subclass sets the fields and writes `_run` and `save_wrapped`.

    name, sha256: of the file or folder. stored_as: the format of the wrapped model. outputs: numbers for each image.
    """

    name: str
    sha256: str
    spec: InputSpec
    outputs: int
    stored_as: Literal[".keras", ".onnx"]

    def raw(self, images: NDArray[np.uint8], normalization: Normalization) -> NDArray[np.float32]:
        """Raw outputs, float32 [n, outputs], of images, uint8 RGB [n, size, size, 3], prepared outside of the model."""
        is_float = self.spec.dtype != "uint8"
        inputs: NDArray[Any] = normalization.apply(images) if is_float else normalization.ordered(images)
        if self.spec.layout == "NCHW":
            inputs = inputs.transpose(0, 3, 1, 2)
        results = [self._padded(np.ascontiguousarray(part)) for part in _parts(inputs, self.spec.batch or BATCH)]
        return np.concatenate(results)

    def save_wrapped(self, target: Path, normalization: Normalization, kind: OutputKind) -> None:
        """Write a model that takes uint8 RGB [n, size, size, 3], any n, and gives probabilities [n, classes].

        May change the model in memory: nothing of the original is run after this.
        """
        raise NotImplementedError

    def _padded(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        n = len(inputs)
        if self.spec.batch and n < self.spec.batch:
            inputs = np.concatenate([inputs, np.repeat(inputs[-1:], self.spec.batch - n, axis=0)])
        return np.asarray(self._run(inputs), dtype=np.float32)[:n].reshape(n, -1)

    def _run(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Outputs of inputs in the dtype and layout of the specification."""
        raise NotImplementedError


def input_spec(name: str, shape: list[int | None], dtype: str, wanted: Wanted) -> InputSpec:
    """The specification of an input of this shape, None for a length that is free.

    Raises ArtifactError for what is no input of square color images, UsageError where the user must say more.
    """
    if len(shape) != 4 or dtype not in DTYPES:
        raise ArtifactError(
            f"{name} takes {dtype} of shape {_text(shape)}; expected float32 or uint8 images, [n, height, width, 3] or "
            "[n, 3, height, width]",
            fix="Adopt a classifier of color images, in single precision.",
        )
    layout = wanted.layout or _layout_of(name, shape)
    batch, *rest = shape
    height, width, channels = rest if layout == "NHWC" else (*rest[1:], rest[0])
    if channels not in (CHANNELS, None):
        raise ArtifactError(
            f"{name} takes {_text(shape)}, which is no {layout} with 3 channels",
            fix="Leave --layout out, or name the other one.",
        )
    if height and width and height != width:
        raise ArtifactError(
            f"{name} takes images of {height} × {width} pixels, and those of Temper are squares",
            fix="Export it with a square input.",
        )
    known = height or width
    if known and wanted.size and known != wanted.size:
        raise UsageError(f"--size is {wanted.size}, and {name} takes images of {known} pixels", fix="Leave it out.")
    if not (size := known or wanted.size):
        raise UsageError(f"{name} takes images of any size", fix="Name that of its training: --size 224.")
    return InputSpec(size=size, layout=layout, dtype=dtype, batch=batch)


def wrong_ends(inputs: int, outputs: int) -> str:
    """What a model has in place of one input and one output."""
    return f"has {plural(inputs, 'input')} and {plural(outputs, 'output')}; expected one of each"


def _layout_of(name: str, shape: list[int | None]) -> Layout:
    if not {CHANNELS, None} & {shape[1], shape[3]}:
        raise ArtifactError(
            f"{name} takes {_text(shape)}; expected images of 3 channels", fix="Adopt a classifier of color images."
        )
    first, last = shape[1] == CHANNELS, shape[3] == CHANNELS
    if first == last:
        raise UsageError(
            f"{name} takes {_text(shape)}, of which the layout is not clear",
            fix="Name it: --layout NHWC (channels last, as Keras) or --layout NCHW (channels first, as PyTorch).",
        )
    return "NCHW" if first else "NHWC"


def _text(shape: list[int | None]) -> str:
    return f"[{', '.join('any' if each is None else str(each) for each in shape)}]"


def _parts(inputs: NDArray[Any], size: int) -> list[NDArray[Any]]:
    return [inputs[start : start + size] for start in range(0, len(inputs), size)]
