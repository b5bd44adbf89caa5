"""From requests to batches: a queue with limits in front of one worker.

An idle worker gets what waits, at once (or after `max_wait`, where a longer wait makes batches fuller); a busy one gets
the next batch ahead only if it is full, since a later one would be fuller. So the queue alone makes large batches under
load, and without load nobody waits.
"""

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from temper.runners.base import Images, Probabilities
from temper.serve.http.errors import RequestError
from temper.serve.metrics import ModelMetrics
from temper.serve.workers.failures import crashed, no_probabilities, too_late
from temper.serve.workers.worker import Worker

# Weight of the newest batch in the running mean of the time for one image.
NEWEST = 0.2
# A request is accepted when it would be predicted in time even if all went this much slower than at present.
SAFETY = 1.5


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Probabilities [n, classes], and seconds in the queue and in the runtime."""

    probabilities: Probabilities
    queue: float
    compute: float


@dataclass(eq=False, kw_only=True)
class _Part:
    """Images of one request that fit into one batch."""

    images: Images
    deadline: float
    arrived: float
    future: "asyncio.Future[Answered]"
    is_sent: bool = False


@dataclass(kw_only=True)
class Batching:
    """How batches are made. max_queue: images that wait. max_wait: seconds.

    max_latency: seconds; a request that would take longer is refused, once a first batch has shown how long one takes.
    """

    max_batch: int
    max_queue: int
    max_wait: float = 0.0
    max_latency: float = math.inf


@dataclass(eq=False)
class Batcher:
    """The queue of one artifact. `attach` gives it a worker, `detach` takes it away."""

    batching: Batching
    metrics: ModelMetrics
    worker: Worker | None = None
    # Set while the worker cannot be started: for how long requests are refused.
    unavailable_seconds: float = 0.0
    queued: int = 0
    _queue: deque[_Part] = field(default_factory=deque)
    _sent: dict[int, tuple[list[_Part], float]] = field(default_factory=dict)
    _sent_images: int = 0
    # 0 before the first batch: then a wait is unknown, and no reason to refuse.
    _seconds_per_image: float = 0.0
    _last_result: float = 0.0
    _timer: asyncio.TimerHandle | None = None

    async def predict(self, images: Images, deadline: float, arrived: float | None = None) -> Answered:
        """Probabilities of images [n, size, size, 3], with the images of other requests.

        deadline, arrived: of loop.time(); the request was complete at `arrived` (by default now). Raises RequestError:
        503 when `admit` does and when the worker ends, 504 when the deadline passes.
        """
        self.admit(len(images), deadline, arrived)
        loop, limit = asyncio.get_running_loop(), self.batching.max_batch
        now = loop.time()
        pieces = [images] if len(images) <= limit else [images[i : i + limit] for i in range(0, len(images), limit)]
        parts = [_Part(images=each, deadline=deadline, arrived=now, future=loop.create_future()) for each in pieces]
        self._queue.extend(parts)
        self.queued += len(images)
        timer = loop.call_at(deadline, self._expire, parts)
        self._pump()
        try:
            results = [await part.future for part in parts]
        finally:
            timer.cancel()
            self._abandon(parts)
        if len(results) == 1:
            return results[0]
        return Answered(
            probabilities=np.concatenate([each.probabilities for each in results]),
            queue=max(each.queue for each in results),
            compute=sum(each.compute for each in results),
        )

    def attach(self, worker: Worker) -> None:
        """Send batches to this worker from now on."""
        self.worker, self.unavailable_seconds = worker, 0.0
        worker.on_result = self._on_result
        self._pump()

    def detach(self) -> None:
        """The worker has ended: what it had gets an error, what waits goes on waiting."""
        self.worker = None
        for parts, _ in self._sent.values():
            for part in parts:
                self._fail(part, crashed())
        self._sent.clear()
        self._sent_images = 0

    def fail_all(self, error: RequestError) -> None:
        """Answer everything that waits or is being predicted with an error."""
        waiting = [*self._queue, *(part for parts, _ in self._sent.values() for part in parts)]
        for part in waiting:
            self._fail(part, error)

    def estimated_wait(self, n: int = 0) -> float:
        """Seconds until n more images would be predicted."""
        return (self.queued + self._sent_images + n) * self._seconds_per_image

    def admit(self, n: int, deadline: float, arrived: float | None = None) -> None:
        """Raise RequestError with status 503 when n more images cannot be accepted. Times are those of `predict`."""
        if self.unavailable_seconds:
            raise RequestError(
                503,
                "the model cannot be loaded at present",
                cause="unavailable",
                retry_seconds=self.unavailable_seconds,
            )
        now, wait = asyncio.get_running_loop().time(), self.estimated_wait(n)
        end, latest = now + SAFETY * wait, (now if arrived is None else arrived) + self.batching.max_latency
        # A request of many images is accepted when nothing waits.
        if self.queued and self.queued + n > self.batching.max_queue:
            raise RequestError(503, "the queue is full; try again", cause="queue_full", retry_seconds=wait)
        # Where more than one batch was sent, both come first, although nothing is queued.
        is_behind = self.queued or self._sent_images > self.batching.max_batch
        if wait and is_behind and end > latest:
            raise RequestError(
                503, "the queue is too long for the limit of latency; try again", cause="queue_full", retry_seconds=wait
            )
        if self.queued and end > deadline:
            raise RequestError(
                503, "the queue is too long for the deadline; try again", cause="queue_full", retry_seconds=wait
            )

    def _pump(self) -> None:
        while self.worker and self.worker.has_free_slot and self._queue:
            is_full = self.queued >= self.batching.max_batch
            if not is_full and (not self.worker.is_idle or self._waits_for_more()):
                return
            self._send(self._take())

    def _waits_for_more(self) -> bool:
        if not self.batching.max_wait:
            return False
        loop = asyncio.get_running_loop()
        end = self._queue[0].arrived + self.batching.max_wait
        if loop.time() >= end:
            return False
        if self._timer is None:
            self._timer = loop.call_at(end, self._on_timer)
        return True

    def _on_timer(self) -> None:
        self._timer = None
        self._pump()

    def _take(self) -> list[_Part]:
        batch = [self._queue.popleft()]
        n = len(batch[0].images)
        while self._queue and n + len(self._queue[0].images) <= self.batching.max_batch:
            batch.append(self._queue.popleft())
            n += len(batch[-1].images)
        self.queued -= n
        return batch

    def _send(self, batch: list[_Part]) -> None:
        assert self.worker
        now = asyncio.get_running_loop().time()
        for part in batch:
            part.is_sent = True
        deadlines = [part.deadline for part in batch for _ in range(len(part.images))]
        slot = self.worker.send([part.images for part in batch], deadlines)
        self._sent[slot] = batch, now
        self._sent_images += len(deadlines)

    def _on_result(self, slot: int, n: int, probabilities: Probabilities, seconds: float) -> None:
        batch, sent = self._sent.pop(slot)
        self._sent_images -= n
        self._learn(n, sent)
        # First of all the next batch: the worker waits for it.
        values = probabilities.copy()
        self._pump()
        self.metrics.batch(n, seconds)
        now, start = asyncio.get_running_loop().time(), 0
        for part in batch:
            rows = values[start : start + len(part.images)]
            start += len(part.images)
            if math.isnan(rows[0, 0]):
                self._fail(part, too_late())
            elif math.isinf(rows[0, 0]):
                self._fail(part, no_probabilities())
            elif not part.future.done():
                queue = max(0.0, now - part.arrived - seconds)
                self.metrics.queue_seconds.observe(queue)
                part.future.set_result(Answered(probabilities=rows, queue=queue, compute=seconds))

    def _learn(self, n: int, sent: float) -> None:
        """Update the time for one image, with what passes between two batches."""
        now, known = asyncio.get_running_loop().time(), self._seconds_per_image
        seconds = (now - max(sent, self._last_result)) / n
        self._last_result = now
        self._seconds_per_image = known + NEWEST * (seconds - known) if known else seconds

    def _expire(self, parts: list[_Part]) -> None:
        error = too_late() if self.worker else crashed()
        for part in parts:
            self._fail(part, error)
        self._abandon(parts)

    def _abandon(self, parts: list[_Part]) -> None:
        """Take from the queue what nobody waits for any more."""
        for part in parts:
            if not part.is_sent:
                part.is_sent = True
                self._queue.remove(part)
                self.queued -= len(part.images)
            if not part.future.cancel() and not part.future.cancelled():
                # The error of a second part is not reported as one that nobody has read.
                part.future.exception()

    @staticmethod
    def _fail(part: _Part, error: RequestError) -> None:
        if not part.future.done():
            part.future.set_exception(error)
