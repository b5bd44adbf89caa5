"""The record of a measurement under load: how many images a second an artifact classifies within a limit of latency."""

from typing import Annotated

from msgspec import Meta, Struct

from temper.card.values import BatchSize, Count

Positive = Annotated[float, Meta(gt=0.0)]


class LatencyBudget(Struct, frozen=True, kw_only=True):
    """The highest rate at which images that arrive at random are classified within a limit, and the batches for it.

    limit_ms: of the 99th percentile of the time from the arrival of an image to its probabilities. max_batch: images in
    one call at most. images_per_second: the rate. p99_ms: measured at this rate. processor, cores, device, runtime: on
    and with which it was measured; elsewhere it does not hold.
    """

    limit_ms: Positive
    max_batch: BatchSize
    images_per_second: Positive
    p99_ms: Positive
    processor: str
    cores: Count
    device: str
    runtime: str
