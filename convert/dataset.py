"""The images of a model's split, as conversions need them: to calibrate with and to verify with."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from temper.artifact import Artifact
from temper.cli.progress import ProgressCallback, no_progress
from temper.dataset.split import Example, Subset, read_split
from temper.errors import DataError
from temper.images import load_images
from temper.runners.base import Images, Probabilities, Runner

BATCH = 16


@dataclass(frozen=True, kw_only=True)
class ModelDataset:
    """The images that a model was trained and tested on, decoded as often as they are asked for.

    folder: where they are now; None for where they were when the model was trained.
    """

    model: Artifact
    folder: Path | None = None

    def examples(self, subset: Subset) -> list[Example]:
        """The images of a subset, perhaps none. Raises DataError when files are missing."""
        return read_split(self.model, subset, self.folder)

    def held_out(self) -> list[Example]:
        """The images of the test subset: used neither for training nor for calibration.

        Raises DataError without any.
        """
        examples = self.examples("test")
        if not examples:
            raise DataError(
                f"the split of {self.model.name} holds no test images, so nothing can be verified",
                fix="Train again with more images for each label.",
            )
        return examples

    def batches(
        self, examples: list[Example], progress: ProgressCallback = no_progress, step: str = ""
    ) -> Iterator[Images]:
        """The examples in order, as uint8 batches [≤ 16, size, size, 3]. step: what is shown of those that are done."""
        images, done = load_images((each.path for each in examples), self.model.card.size), 0
        while batch := list(islice(images, BATCH)):
            yield np.stack(batch)
            done += len(batch)
            progress(step, done, len(examples))

    def predict(
        self, runner: Runner, examples: list[Example], progress: ProgressCallback = no_progress
    ) -> Probabilities:
        """A runner's probabilities for the examples, float32 [n, classes]."""
        step = f"predicting with {runner.artifact.name}"
        return np.concatenate([runner.predict(batch) for batch in self.batches(examples, progress, step)])
