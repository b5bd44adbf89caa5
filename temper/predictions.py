"""From probabilities to labels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prediction:
    """A label and its probability in [0, 1].

    >>> print(Prediction("cat", 0.75))
    cat 75.0 %
    """

    label: str
    probability: float

    def __str__(self) -> str:
        return f"{self.label} {100 * self.probability:.1f} %"


def top_k(probabilities: NDArray[np.float32], labels: tuple[str, ...], k: int) -> list[Prediction]:
    """The k most probable labels of one image's probabilities [classes], the most probable first.

    Labels of equal probability stay in their order.

    >>> top_k(np.array([0.2, 0.7, 0.1], np.float32), ("cat", "dog", "fox"), 1)[0].label
    'dog'
    """
    order = np.argsort(-probabilities, kind="stable")[:k]
    return [Prediction(labels[int(i)], float(probabilities[i])) for i in order]
