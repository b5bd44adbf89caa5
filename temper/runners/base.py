"""Runner: one artifact, loaded. Checks and batching are written once, here."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from temper.card import Card

Images = NDArray[np.uint8]
Probabilities = NDArray[np.float32]


class Runner:
    """A loaded artifact that answers pictures with probabilities; a context manager.

    A subclass writes `_load` and `_run`, and `close` if it holds more than memory. copies: a call carries pictures to
    a device of their own and answers back; `compute` then runs the network without that.
    """

    copies = False

    def __init__(self, artifact: Path, card: Card, mode: str = "") -> None:
        self.artifact = artifact
        self.card = card
        self.mode = mode
        self._load()

    def predict(self, images: Images) -> Probabilities:
        """Probabilities, float32 [n, classes], of pictures, uint8 RGB [n, size, size, 3], n ≥ 1.

        Raises ValueError for another dtype or shape: pictures come from `temper.images`, so this is a bug.
        """
        size = self.card.size
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (size, size, 3) or not len(images):
            raise ValueError(f"expected uint8 pictures [n, {size}, {size}, 3], got {images.dtype} {list(images.shape)}")
        parts = [self._run(part) for part in self._batches(images)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def compute(self, n: int) -> None:
        """Run the network once on n pictures that lie where it computes, whatever they show; for benchmarks.

        Raises NotImplementedError where nothing is copied: `predict` is that already.
        """
        raise NotImplementedError

    def facts(self) -> Mapping[str, str]:
        """Runtime and version, device, and the precision that is really executed."""
        raise NotImplementedError

    def close(self) -> None:
        """Give back what the runtime holds."""

    def _load(self) -> None:
        raise NotImplementedError

    def _run(self, images: Images) -> Probabilities:
        raise NotImplementedError

    def _batches(self, images: Images) -> Iterator[Images]:
        largest = self.card.batch[2] if self.card.batch else len(images)
        for start in range(0, len(images), largest):
            yield images[start : start + largest]

    def __enter__(self) -> "Runner":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
