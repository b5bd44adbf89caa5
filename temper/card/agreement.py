"""The record of a comparison: how a converted artifact does beside its Keras model."""

from msgspec import Struct

from temper.card.values import Count, Difference, Fraction


class LabelFlip(Struct, frozen=True, kw_only=True):
    """A held-out image whose predicted label differs from the Keras model's.

    file: its name, as `temper.escaping.stored_name` writes it. truth: the label of its folder.
    """

    file: str
    truth: str
    keras: str
    predicted: str


class Agreement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An artifact compared with its Keras model on the held-out images.

    The accuracy gate decides on all of its fields, so a field that this version does not know is an error.

    agreement: fraction of equal labels. max_difference, mean_difference: absolute, of probabilities. cosine: mean
    cosine similarity of centered log-probabilities. regressed, improved: images that only Keras, and only the artifact,
    classifies correctly. class_drop: the largest drop in recall of one label, and that label.
    """

    images: Count
    top1: Fraction
    keras_top1: Fraction
    agreement: Fraction
    max_difference: Difference
    mean_difference: Difference
    cosine: float
    regressed: Count
    improved: Count
    class_drop: float
    worst_class: str
    flips: tuple[LabelFlip, ...] = ()
