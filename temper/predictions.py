"""Probabilities as a person reads them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """A label and its probability in [0, 1]."""

    label: str
    probability: float


def top_k(probabilities: NDArray[np.float32], labels: tuple[str, ...], k: int) -> list[Prediction]:
    """The k likeliest labels of one picture's probabilities [classes], likeliest first; ties keep label order."""
    order = np.argsort(-probabilities, kind="stable")[:k]
    return [Prediction(labels[int(i)], float(probabilities[i])) for i in order]
