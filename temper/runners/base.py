"""Runner: an artifact that is loaded. Checks and batching are written once, here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temper.artifact import Artifact
from temper.card import Card
from temper.closing import Closing
from temper.runners.checks.failures import explained
from temper.runners.checks.predictions import check_predictions
from temper.runners.content import Content

Images = NDArray[np.uint8]
Probabilities = NDArray[np.float32]
# Without the batch; anything but a number, 0 or more, stands for any.
Shape = Sequence[Any]
# On a CPU a larger batch gains 3 % at most: benchmarks/results/folder-rate.md.
CPU_BATCH = 8


def best_batch(card: Card) -> int:
    """The number of images in one call that gives the highest throughput: the card's, or that of a CPU."""
    return card.batch.best if card.batch else CPU_BATCH


@dataclass(frozen=True, kw_only=True)
class RuntimeInfo:
    """What really runs.

    runtime: name and version. device: "CPU", "GPU" or the name of the GPU. executed: the precision that is executed,
    read back from the runtime, such as "53 int8, 2 fp32".
    """

    runtime: str
    device: str
    executed: str


class Runner(Closing):
    """A loaded artifact that gives probabilities for images; a context manager.

    mode: how the runtime is called, one of the format's; "" for its default. is_authentic: whether the card may decide
    how the artifact is loaded, because it was made here or is signed (temper.trust). content: what a thread reads
    already. A subclass writes `_load`, `_run`, `runtime_info` and `shapes`, and `close` if it holds more than memory.
    `_load` gets the artifact's bytes from `content`, which has checked them; the path of the artifact may lead to other
    ones a moment later. `_load` and `_run` may raise what their library raises: temper.runners.checks.failures.
    Threads may share a loaded runner: `predict` may be called at the same time. `close` waits for nothing.
    has_device_copies: a call copies images to a device and results back; `run_on_device` then runs the network alone.
    """

    has_device_copies = False

    def __init__(
        self, artifact: Artifact, mode: str = "", is_authentic: bool = False, content: Content | None = None
    ) -> None:
        self.artifact = artifact
        self.mode = mode
        self.is_authentic = is_authentic
        with content or Content(artifact) as self.content:
            self._load()

    @property
    def card(self) -> Card:
        """The artifact's card."""
        return self.artifact.card

    @property
    def best_batch(self) -> int:
        """See best_batch."""
        return best_batch(self.card)

    def predict(self, images: Images) -> Probabilities:
        """Probabilities, float32 [n, classes], of images, uint8 RGB [n, size, size, 3], n ≥ 1.

        Raises ValueError for another dtype or shape: images come from `temper.images`, so this is a bug. Raises
        InvalidPredictions when the network gives no probabilities of the card's labels, ArtifactError when the library
        cannot run it.
        """
        size = self.card.size
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (size, size, 3) or not len(images):
            raise ValueError(f"expected uint8 images [n, {size}, {size}, 3], got {images.dtype} {list(images.shape)}")
        with explained(self.artifact, "run"):
            results = [self._run(batch) for batch in self._batches(images)]
        probabilities = results[0] if len(results) == 1 else np.concatenate(results)
        check_predictions(probabilities, (len(images), len(self.card.labels)), self.artifact.path)
        return probabilities

    def run_on_device(self, n: int) -> None:
        """Run the network once on n images that are on the device already, whatever they show; for benchmarks.

        Raises NotImplementedError where nothing is copied: there `predict` is the same.
        """
        raise NotImplementedError

    def runtime_info(self) -> RuntimeInfo:
        """Runtime and version, device, and the precision that is really executed."""
        raise NotImplementedError

    def shapes(self) -> tuple[Shape, Shape] | None:
        """Shapes of the loaded network's input and output; None where the runtime does not say."""
        return None

    def _load(self) -> None:
        raise NotImplementedError

    def _run(self, images: Images) -> Probabilities:
        raise NotImplementedError

    def _batches(self, images: Images) -> Iterator[Images]:
        largest = self.card.batch.max if self.card.batch else len(images)
        for start in range(0, len(images), largest):
            yield images[start : start + largest]
