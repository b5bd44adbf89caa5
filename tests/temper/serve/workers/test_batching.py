import asyncio
from typing import Any

import numpy as np
import pytest

from temper.serve.http.errors import RequestError
from temper.serve.metrics import Metrics
from temper.serve.workers.batching import Answered, Batcher, Batching
from temper.serve.workers.worker import Worker
from tests.temper.serve.serving import noise, run_apart


class HeldWorker:
    """A worker whose results the test releases: what it is sent, it holds."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.on_result: Any = None
        self._free = [0, 1]
        self._sent: list[tuple[int, int, float]] = []

    @property
    def has_free_slot(self) -> bool:
        return bool(self._free)

    @property
    def is_idle(self) -> bool:
        return not self._sent

    def send(self, parts: list[Any], deadlines: list[float]) -> int:
        slot = self._free.pop()
        self.batches.append([len(each) for each in parts])
        self._sent.append((slot, len(deadlines), float(parts[0].flat[0])))
        return slot

    def release(self) -> None:
        slot, n, first = self._sent.pop(0)
        self._free.append(slot)
        self.on_result(slot, n, np.full((n, 2), first, np.float32), 0.01)


def batcher(worker: HeldWorker | None, **changes: Any) -> Batcher:
    made = Batcher(Batching(**{"max_batch": 4, "max_queue": 8, **changes}), Metrics().of("model"))
    if worker:
        worker_of_tests: Any = worker
        as_worker: Worker = worker_of_tests
        made.attach(as_worker)
    return made


async def start(queue: Batcher, *counts: int, seconds: float = 5.0) -> list["asyncio.Task[Answered]"]:
    deadline = asyncio.get_running_loop().time() + seconds
    tasks = [asyncio.create_task(queue.predict(noise(n), deadline)) for n in counts]
    await asyncio.sleep(0.01)
    return tasks


def test_an_idle_worker_gets_a_request_at_once_and_a_busy_one_only_full_batches() -> None:
    async def scenario() -> None:
        worker = HeldWorker()
        queue = batcher(worker)
        tasks = await start(queue, 1, 1, 1)
        assert worker.batches == [[1]]
        tasks += await start(queue, 2, 1)
        assert worker.batches == [[1], [1, 1, 2]]
        while not worker.is_idle:
            worker.release()
        assert worker.batches == [[1], [1, 1, 2], [1]]
        assert [len((await each).probabilities) for each in tasks] == [1, 1, 1, 2, 1]

    run_apart(scenario())


def test_a_large_request_is_split_and_its_parts_are_joined() -> None:
    async def scenario() -> None:
        worker = HeldWorker()
        (task,) = await start(batcher(worker), 10)
        while not worker.is_idle:
            worker.release()
        assert worker.batches == [[4], [4], [2]]
        assert (await task).probabilities.shape == (10, 2)

    run_apart(scenario())


def test_an_idle_worker_waits_for_more_when_it_is_asked_to() -> None:
    async def scenario() -> None:
        worker = HeldWorker()
        await start(queue := batcher(worker, max_wait=0.1), 1)
        assert worker.batches == []
        await start(queue, 1)
        await asyncio.sleep(0.15)
        assert worker.batches == [[1, 1]]
        queue.fail_all(RequestError(503, ""))

    run_apart(scenario())


def test_a_request_that_may_take_longer_than_the_limit_of_latency_is_refused() -> None:
    async def scenario() -> None:
        worker = HeldWorker()
        # Three images take 0.03 s, at the worst 0.045 s; four take 0.04 s, at the worst 0.06 s.
        queue = batcher(worker, max_batch=1, max_latency=0.05)
        queue._seconds_per_image = 0.01
        tasks = await start(queue, 1, 1, 1)
        (refused,) = await start(queue, 1)
        with pytest.raises(RequestError) as caught:
            await refused
        assert (caught.value.status, caught.value.cause) == (503, "queue_full")
        assert caught.value.retry_seconds == pytest.approx(0.04)
        while not worker.is_idle:
            worker.release()
        assert [(await each).probabilities.shape for each in tasks] == [(1, 2)] * 3

    run_apart(scenario())


def test_the_time_since_a_request_arrived_counts_for_the_limit_of_latency() -> None:
    async def scenario() -> None:
        queue = batcher(HeldWorker(), max_batch=1, max_queue=100, max_latency=1.0)
        queue._seconds_per_image = 0.1
        tasks = await start(queue, 1, 1, 1)
        now = asyncio.get_running_loop().time()
        # 0.4 s, at the worst 0.6 s: its image took 0.2 s to decode, that of the other one 0.5 s.
        queue.admit(1, now + 5, now - 0.2)
        with pytest.raises(RequestError, match="too long for the limit of latency"):
            queue.admit(1, now + 5, now - 0.5)
        queue.fail_all(RequestError(503, ""))
        await asyncio.gather(*tasks, return_exceptions=True)

    run_apart(scenario())


def test_two_batches_that_were_sent_count_for_the_limit_of_latency_although_nothing_is_queued() -> None:
    async def scenario() -> None:
        worker = HeldWorker()
        queue = batcher(worker, max_batch=4, max_latency=0.1)
        queue._seconds_per_image = 0.01
        tasks = await start(queue, 4)
        now = asyncio.get_running_loop().time()
        queue.admit(4, now + 5)
        tasks += await start(queue, 4)
        assert queue.queued == 0
        with pytest.raises(RequestError, match="too long for the limit of latency"):
            queue.admit(1, now + 5)
        while not worker.is_idle:
            worker.release()
        await asyncio.gather(*tasks)
        # Nothing is before it, so it is accepted whatever it takes.
        queue.admit(100, now + 5)

    run_apart(scenario())


@pytest.mark.parametrize(("has_worker", "status"), [(True, 504), (False, 503)])
def test_a_request_whose_deadline_passes_is_answered_and_not_predicted(has_worker: bool, status: int) -> None:
    async def scenario() -> None:
        worker = HeldWorker()
        queue = batcher(worker if has_worker else None)
        busy = await start(queue, 4, 4) if has_worker else []
        (late,) = await start(queue, 1, seconds=0.05)
        with pytest.raises(RequestError) as caught:
            await late
        assert (caught.value.status, queue.queued) == (status, 0)
        while has_worker and not worker.is_idle:
            worker.release()
        await asyncio.gather(*busy)
        assert [1] not in worker.batches

    run_apart(scenario())


def test_a_full_queue_refuses_with_503() -> None:
    async def scenario() -> None:
        queue = batcher(HeldWorker(), max_queue=2)
        tasks = await start(queue, 4, 4, 1, 1, 1)
        with pytest.raises(RequestError, match="the queue is full") as caught:
            await tasks[-1]
        assert caught.value.status == 503
        queue.fail_all(RequestError(503, "the server stops"))
        assert len(await asyncio.gather(*tasks, return_exceptions=True)) == 5

    run_apart(scenario())


def test_a_wait_beyond_the_deadline_is_refused_before_it_begins() -> None:
    async def scenario() -> None:
        worker = HeldWorker()
        queue = batcher(worker, max_queue=100)
        (first,) = await start(queue, 1)
        await asyncio.sleep(0.2)
        worker.release()
        await first
        tasks = await start(queue, 4, 4, 4, 1, seconds=1.0)
        with pytest.raises(RequestError, match="too long for the deadline"):
            await tasks[-1]
        queue.fail_all(RequestError(503, ""))
        await asyncio.gather(*tasks, return_exceptions=True)

    run_apart(scenario())


def test_when_the_worker_ends_what_it_had_gets_503_and_what_waits_goes_on_waiting() -> None:
    async def scenario() -> None:
        queue = batcher(HeldWorker())
        tasks = await start(queue, 4, 4, 1)
        queue.detach()
        for each in tasks[:2]:
            with pytest.raises(RequestError, match="has ended and is started again"):
                await each
        second: Any = HeldWorker()
        queue.attach(second)
        second.release()
        assert len((await tasks[2]).probabilities) == 1

    run_apart(scenario())


def test_values_that_are_no_probabilities_are_an_error_of_the_server() -> None:
    async def scenario() -> None:
        worker = HeldWorker()
        queue = batcher(worker)
        (task,) = await start(queue, 1)
        slot, n, _ = worker._sent.pop(0)
        worker.on_result(slot, n, np.full((n, 2), np.inf, np.float32), 0.01)
        with pytest.raises(RequestError, match="no probabilities") as caught:
            await task
        assert caught.value.status == 500

    run_apart(scenario())
