"""What a training gives, before it is saved."""

from dataclasses import dataclass, field

import keras
import numpy as np
from numpy.typing import NDArray

from train.evaluation.metrics import Evaluation
from train.evaluation.suspect_labels import SuspectLabels
from train.fitting.checkpoint import History


def _no_images() -> NDArray[np.uint8]:
    return np.empty((0, 1, 1, 3), np.uint8)


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A float32 model, its history, and its evaluation on the pixels of the test subset, [n, s, s, 3].

    seconds: from decoded images and a built model to a trained one. first_fine_tuned: the epoch with which fine-tuning
    began; 0 for none. suspects: labels that are probably wrong; None where they were not looked for. samples: some
    images of the train subset, of different labels, [m, s, s, 3].
    """

    model: keras.Model
    history: History
    evaluation: Evaluation
    pixels: NDArray[np.uint8]
    seconds: float
    first_fine_tuned: int = 0
    suspects: SuspectLabels | None = None
    samples: NDArray[np.uint8] = field(default_factory=_no_images)
