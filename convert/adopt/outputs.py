"""What a model gives, and how that becomes probabilities."""

import numpy as np
from numpy.typing import NDArray

from temper.card.adoption import OutputKind
from temper.errors import ArtifactError, UsageError
from temper.runners.base import Probabilities

# Of a row of probabilities; half precision rounds each of them by up to 2**-11.
MAX_SUM_DIFFERENCE = 1e-2


def find_kind(raw: NDArray[np.float32], name: str, named: str = "auto") -> OutputKind:
    """What rows of raw outputs [n, k] are: probabilities or logits; one number stands for the second of two labels.

    named: "probabilities" or "logits", where the user names it. Raises ArtifactError for values that are not finite or
    no probabilities although they are named so, UsageError where several numbers may be either.
    """
    if not np.isfinite(raw).all():
        raise ArtifactError(f"{name} gives values that are not finite numbers", fix="Check the file, or train again.")
    in_range = bool(raw.min() >= 0 and raw.max() <= 1 + MAX_SUM_DIFFERENCE)
    if raw.shape[1] == 1:
        if named == "probabilities" and not in_range:
            raise ArtifactError(
                f"{name} gives numbers below 0 or above 1, which are no probabilities", fix="Leave --output out."
            )
        is_logit = named == "logits" if named != "auto" else not in_range
        return "logit" if is_logit else "probability"
    has_sums = in_range and bool(np.abs(raw.sum(axis=1) - 1).max() <= MAX_SUM_DIFFERENCE)
    if named == "logits":
        return "logits"
    if has_sums:
        return "probabilities"
    if named == "probabilities":
        raise ArtifactError(
            f"{name} gives values whose sum is not 1, so they are no probabilities of one label for each image",
            fix="If they are logits, leave --output out. A model with independent labels (several sigmoid outputs) "
            "cannot be adopted.",
        )
    if in_range:
        raise UsageError(
            f"{name} gives values from 0 to 1 whose sum is not 1: they may be logits, or independent labels, of which "
            "an image may have several",
            fix="Temper's classifiers give one label. If these are logits, name them: --output logits.",
        )
    return "logits"


def to_probabilities(raw: NDArray[np.float32], kind: OutputKind) -> Probabilities:
    """Probabilities, float32 [n, classes], of raw outputs [n, k]."""
    values = raw.astype(np.float64)
    if kind == "logit":
        values = np.concatenate([np.zeros_like(values), values], axis=1)
    if kind == "probability":
        values = np.concatenate([1 - values, values], axis=1)
    if kind in ("logits", "logit"):
        exponentials = np.exp(values - values.max(axis=1, keepdims=True))
        values = exponentials / exponentials.sum(axis=1, keepdims=True)
    return np.asarray(values, dtype=np.float32)
