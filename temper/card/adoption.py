"""The record of a model that was not trained here: what it was, and how it was wrapped."""

from typing import Literal

from msgspec import Struct

from temper.card.values import Count, Difference, FileName, Fraction, Sha256

Layout = Literal["NHWC", "NCHW"]
OutputKind = Literal["probabilities", "logits", "probability", "logit"]


class Adoption(Struct, frozen=True, kw_only=True):
    """A model from elsewhere that was wrapped, so that it takes uint8 RGB images and gives probabilities.

    original: name of its file or folder. sha256: of its content. stored_as: the format that it was wrapped into.
    preprocessing: name or numbers of what is applied to the pixels. layout, dtype: of the original's input. output:
    what the original gives; "probability" and "logit" are single numbers, for the second of two labels. images:
    held-out images that both have classified. accuracy: of the original, on them. max_difference: the largest absolute
    difference of their probabilities.
    """

    original: FileName
    sha256: Sha256
    stored_as: Literal[".keras", ".onnx"]
    preprocessing: str
    layout: Layout
    dtype: str
    output: OutputKind
    images: Count
    accuracy: Fraction
    max_difference: Difference


def reference_title(adopted: Adoption | None) -> str:
    """What the predictions of a converted artifact are compared with, in a sentence.

    >>> reference_title(None)
    'Keras'
    """
    return "the original model" if adopted and adopted.stored_as == ".onnx" else "Keras"
