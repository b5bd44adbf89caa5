"""Images decoded in threads, a few of them ahead of the reader."""

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from temper.images.decode import load_image
from temper.images.pixels import ImageArray

# Images that are decoded ahead of the reader, for each core.
AHEAD_PER_CORE = 4

Item = TypeVar("Item")
Decoded = TypeVar("Decoded")


def load_images(paths: Iterable[Path], size: int) -> Iterator[ImageArray]:
    """Decode files in order, in as many threads as there are cores, a few images ahead of the reader.

    Raises UnreadableImage at the first file that cannot be decoded.
    """
    return map_ahead(lambda path: load_image(path, size), paths)


def map_ahead(
    function: Callable[[Item], Decoded], items: Iterable[Item], ahead: int = 0, workers: int = 0
) -> Iterator[Decoded]:
    """Results of a function in the order of its items, computed by threads a few items ahead of the reader.

    ahead: how many items; by default AHEAD_PER_CORE for each core. workers: threads; by default one for each core.
    """
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(workers or cores) as pool:
        rest = iter(items)
        pending: deque[Future[Decoded]] = deque(
            pool.submit(function, item) for item in itertools.islice(rest, ahead or AHEAD_PER_CORE * cores)
        )
        try:
            while pending:
                yield pending.popleft().result()
                pending.extend(pool.submit(function, item) for item in itertools.islice(rest, 1))
        finally:
            # After an interruption nobody waits for what has not begun.
            pool.shutdown(wait=False, cancel_futures=True)
