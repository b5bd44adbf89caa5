"""Images through a runner, in batches, while the next ones are decoded."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from temper.images import map_ahead
from temper.infer.decode import Decoded, decode
from temper.infer.flow import Flow, StageTimes
from temper.infer.results import Result, is_unknown, top_k
from temper.infer.sources import ImageSource
from temper.runners.base import Runner

# Batches that are decoded ahead of the network.
BATCHES_AHEAD = 2


def classify(
    runner: Runner,
    sources: Iterable[ImageSource],
    k: int = 1,
    threshold: float | None = None,
    flow: Flow | None = None,
) -> Iterator[Result]:
    """Results in the order of the images; one that cannot be read does not stop the others.

    k: labels for each image. threshold: probability below which a result is marked as unknown; None marks none.
    Raises ValueError for an array that is not uint8 RGB [height, width, 3].
    """
    flow = flow or Flow()
    for batch in _batches(runner, sources, flow):
        yield from _predict(runner, batch, k, threshold, flow.times)


def _batches(runner: Runner, sources: Iterable[ImageSource], flow: Flow) -> Iterator[list[Decoded]]:
    """Images that are not done yet, in batches of the size at which the runner is fastest."""
    size, best = runner.card.size, 1 if flow.is_live else runner.best_batch
    ahead = 1 if flow.is_live else BATCHES_AHEAD * best
    decoded = map_ahead(lambda item: decode(item[0], item[1], size, flow), enumerate(sources), ahead)
    batch: list[Decoded] = []
    started = time.perf_counter()
    for each in decoded:
        flow.times.decoding += each.seconds
        if each.is_done:
            flow.times.done_before += 1
            continue
        batch.append(each)
        if len(batch) == best:
            flow.times.waiting += time.perf_counter() - started
            yield batch
            batch, started = [], time.perf_counter()
    flow.times.waiting += time.perf_counter() - started
    if batch:
        yield batch


def _predict(
    runner: Runner, batch: list[Decoded], k: int, threshold: float | None, times: StageTimes
) -> Iterator[Result]:
    images = [each.pixels for each in batch if each.pixels is not None]
    started = time.perf_counter()
    rows = iter(runner.predict(np.stack(images)) if images else ())
    seconds = time.perf_counter() - started
    times.network += seconds
    milliseconds = 1000 * seconds / max(1, len(images))
    for each in batch:
        if each.pixels is None:
            yield each.result
            continue
        predictions = tuple(top_k(next(rows), runner.card.labels, k))
        unknown = is_unknown(predictions, threshold)
        yield replace(each.result, predictions=predictions, milliseconds=milliseconds, unknown=unknown)
