"""A case in its process until its first prediction, which ends its cold start: nothing else is imported before."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from temper.runners.base import Images, Runner


@dataclass(frozen=True, kw_only=True)
class LoadedCase:
    """A runner that has predicted once, and the images. ready_at: time.monotonic() after that prediction."""

    runner: "Runner"
    images: "Images"
    ready_at: float


@contextlib.contextmanager
def load_case(open_runner: Callable[[], "Runner"], images: Mapping[int, Path]) -> Iterator[LoadedCase]:
    """Open a runner and predict one image. images: .npy files of uint8 [n, size, size, 3], by size."""
    with open_runner() as runner:
        import numpy as np

        # Memory that all processes have in common; a plain array, since numpy's memmap makes every slice slow.
        array = np.asarray(np.load(images[runner.card.size], mmap_mode="r"))
        runner.predict(np.array(array[:1]))
        yield LoadedCase(runner=runner, images=array, ready_at=time.monotonic())
