"""The teacher: a trained model, opened like every artifact, and its predictions for what the student sees."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from temper.artifact import Artifact
from temper.errors import ArtifactError
from temper.runners.base import Images, Probabilities, Runner
from temper.runners.keras import TF_FUNCTION
from temper.runners.load import open_runner
from train.dataset.augmentation import apply_transforms, rescale_transforms


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """Gives the predictions of a trained model for the augmented images of a batch.

    Student and teacher see the same view of an image (Beyer et al. 2022, arXiv 2106.05237), each at its own size.
    predict: of uint8 RGB [n, size, size, 3]. pixels: all training images at the teacher's size, in the order of the
    student's. student_size: that of the student's images, which transforms refer to.
    """

    predict: Callable[[Images], Probabilities]
    pixels: Images
    student_size: int

    def __call__(
        self, rows: NDArray[np.int64], transforms: NDArray[np.float32], brightness: NDArray[np.float32]
    ) -> Probabilities:
        """Probabilities [n, classes] of n training images, augmented as `train.dataset.augmentation` describes."""
        own = rescale_transforms(transforms, self.student_size, self.pixels.shape[1])
        return self.predict(np.asarray(apply_transforms(self.pixels[rows], own, brightness)))


def size_of(name: str) -> int:
    """Height and width of the images of the teacher at a path; 0 for "none". Raises ArtifactError without a card."""
    return 0 if name == "none" else Artifact.at(Path(name)).card.size


def open_teacher(name: str, labels: tuple[str, ...]) -> AbstractContextManager[Runner | None]:
    """Check and load the artifact at a path; None for "none".

    Raises ArtifactError for one that is missing, damaged or not trusted, and for other labels than those of the images.
    """
    if name == "none":
        return contextlib.nullcontext()
    artifact = Artifact.at(Path(name)).verified()
    if artifact.card.labels != labels:
        raise ArtifactError(
            f"the teacher {name} predicts {', '.join(artifact.card.labels)}, and the images have the labels "
            f"{', '.join(labels)}. Expected the same labels",
            fix="Train a teacher on images with these labels, or name another one with --teacher FILE.",
        )
    return open_runner(artifact, TF_FUNCTION)
