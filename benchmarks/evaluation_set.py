"""The held-out images that every case classifies, and files of them for end-to-end runs."""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.measurement.end_to_end import BATCH, enlarge
from temper.artifact import Artifact
from temper.dataset.listing import dataset_title
from temper.dataset.split import Example, read_split
from temper.images import load_images
from temper.reference import read_reference
from temper.runners.base import Probabilities
from temper.storage.atomic import own_temporary_files

ORIGINAL_SIZE, TWELVE_MEGAPIXELS = "original size", "12 megapixels"
MAX_FILES, MAX_LARGE_FILES = 32, 16


@dataclass(frozen=True, kw_only=True)
class EvaluationSet:
    """Held-out images of a model.

    title: of the dataset. labels: in the order of the output. size: of the input in pixels.
    reference: the Keras model's stored probabilities [n, classes] on the same images, None if not stored.
    """

    title: str
    labels: tuple[str, ...]
    size: int
    examples: list[Example]
    reference: Probabilities | None = None

    @property
    def files(self) -> dict[str, Path]:
        """Paths by the name that label flips use."""
        return {each.name: each.path for each in self.examples}


def load_evaluation_set(artifact: Artifact, folder: Path | None, max_images: int) -> EvaluationSet:
    """At most `max_images` held-out images, every n-th of the test subset, which preserves the fractions of its labels.

    folder: of the images, if they have moved. Raises DataError when the split or an image is missing.
    """
    examples = read_split(artifact, "test", folder)
    step = max(1, -(-len(examples) // max_images))
    reference = read_reference(artifact)
    return EvaluationSet(
        title=dataset_title_of(artifact),
        labels=artifact.card.labels,
        size=artifact.card.size,
        examples=examples[::step],
        reference=None if reference is None else reference[::step],
    )


def dataset_title_of(artifact: Artifact) -> str:
    """The title of the dataset that an artifact was trained on, or the name of its folder; never a number of images."""
    dataset = artifact.card.dataset
    return (dataset.title or dataset_title(Path(dataset.folder))) if dataset else artifact.model_name


def stratified_sample(examples: list[Example], max_files: int) -> list[Example]:
    """Examples at equal distances; complete batches where possible, since XLA compiles every new batch size."""
    n = min(max_files, len(examples))
    n = n // BATCH * BATCH or n
    return [examples[i * len(examples) // n] for i in range(n)]


@contextlib.contextmanager
def image_arrays(examples: list[Example], sizes: Iterable[int]) -> Iterator[dict[int, Path]]:
    """For each size, a .npy file of all decoded images, uint8 [n, size, size, 3], which all processes read."""
    with own_temporary_files() as folder:
        paths = {size: folder / f"images-{size}.npy" for size in sizes}
        for size, path in paths.items():
            np.save(path, np.stack(list(load_images((each.path for each in examples), size))))
        yield paths


@contextlib.contextmanager
def file_sets(evaluation: EvaluationSet) -> Iterator[dict[str, list[Example]]]:
    """Files for end-to-end runs, by title: as they are, and enlarged to the size of a camera's photos."""
    with own_temporary_files() as folder:
        large = [
            dataclasses.replace(each, path=enlarge(each.path, folder / f"{i}.jpg"))
            for i, each in enumerate(stratified_sample(evaluation.examples, MAX_LARGE_FILES))
        ]
        yield {ORIGINAL_SIZE: stratified_sample(evaluation.examples, MAX_FILES), TWELVE_MEGAPIXELS: large}
