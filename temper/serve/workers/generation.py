"""One published content of an artifact: its own copy, its queue, and a child process that is kept running."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Iterator

from temper.artifact import Artifact
from temper.card import LatencyBudget
from temper.errors import UserError
from temper.runners.base import RuntimeInfo, best_batch
from temper.serve.http.errors import RequestError
from temper.serve.metrics import ModelMetrics
from temper.serve.settings import Settings
from temper.serve.workers.batching import Batcher, Batching
from temper.serve.workers.copies import copy_artifact, copy_folder
from temper.serve.workers.worker import Worker
from temper.system.host import describe_host

LOGGER = logging.getLogger("temper.serve")
# A process that ends sooner than this after its start is started again after a delay, which doubles each time.
SHORT_LIFE_SECONDS = 2.0
FIRST_DELAY, MAX_DELAY = 0.5, 30.0


class Generation:
    """An artifact that is served until another one is published under its name.

    The files are copied: a later publication, or a copy over them, changes nothing here, and a restart loads the same
    bytes. budget: the limit of latency of its card, where it is used.
    """

    def __init__(self, source: Artifact, settings: Settings, metrics: ModelMetrics) -> None:
        self._copy = contextlib.ExitStack()
        self._source = source
        self._settings = settings
        self._metrics = metrics
        self._restart: asyncio.Task[None] | None = None
        self._worker: Worker | None = None
        self._started = 0.0
        self._delay = 0.0
        self._users = 0
        self._slot_images = 0
        self.artifact = source
        self.budget: LatencyBudget | None = None
        self.batcher: Batcher

    async def start(self) -> None:
        """Copy, check, load and self-test the artifact.

        Raises UserError when one of these fails; the generation is then closed.
        """
        source = copied = str(self._source.path.parent)
        try:
            folder = self._copy.enter_context(copy_folder())
            copied = str(folder)
            self.artifact = await asyncio.to_thread(copy_artifact, self._source.path, folder)
            if not self._settings.max_batch:
                self.budget = usable_budget(self.artifact.card.latency_budget, self._source.name)
            self.batcher = Batcher(self._batching(self.budget), self._metrics)
            # Which of them is used depends on the runtime, which is known when the process has started.
            self._slot_images = max(self.batcher.batching.max_batch, self._batching(None).max_batch)
            await self._start_worker()
        except UserError as error:
            await self.close()
            # The user knows the original, and not its copy.
            raise type(error)(error.what.replace(copied, source), fix=error.fix.replace(copied, source)) from error
        except BaseException:
            await self.close()
            raise

    @property
    def is_ready(self) -> bool:
        """True when requests are predicted at once."""
        return self._worker is not None

    @property
    def runtime(self) -> RuntimeInfo | None:
        """What runs; None while the process is started."""
        return self._worker.info if self._worker else None

    @property
    def pid(self) -> int:
        """The number of the child process; 0 while there is none."""
        return self._worker.pid if self._worker else 0

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Inside of the block, the generation is not closed by `drain`'s caller: a request is on its way to it."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1

    async def drain(self, seconds: float) -> None:
        """Wait until what was accepted is answered, at most so long; what is left gets an error."""
        end = time.monotonic() + seconds
        while self._users and time.monotonic() < end:
            await asyncio.sleep(0.01)
        self.batcher.fail_all(RequestError(503, "the server stops", cause="stopped", retry_seconds=1))

    async def close(self) -> None:
        """End the process and remove the copy."""
        if self._restart:
            self._restart.cancel()
            # It ends the process that it has started, which reads the copy.
            await asyncio.gather(self._restart, return_exceptions=True)
        if self._worker:
            worker, self._worker = self._worker, None
            await worker.stop()
        self._copy.close()

    def _batching(self, budget: LatencyBudget | None) -> Batching:
        card, settings = self.artifact.card, self._settings
        max_batch = settings.max_batch or (budget.max_batch if budget else best_batch(card))
        if card.batch:
            max_batch = min(max_batch, card.batch.max)
        return Batching(
            max_batch=max_batch,
            max_queue=max(settings.max_queue, max_batch),
            max_wait=settings.max_wait_ms / 1000,
            max_latency=budget.limit_ms / 1000 if budget else math.inf,
        )

    async def _start_worker(self) -> None:
        worker = Worker(self.artifact, self._slot_images)
        info = await worker.wait_until_ready()
        worker.on_exit = self._on_exit
        self._worker, self._started = worker, time.monotonic()
        if self.budget and not was_measured_with(self.budget, info, self._source.name):
            self.budget, self.batcher.batching = None, self._batching(None)
        self.batcher.attach(worker)

    def _on_exit(self, reason: str) -> None:
        LOGGER.warning("%s: the process that predicts has ended (%s); it is started again", self._source.path, reason)
        self._worker = None
        self.batcher.detach()
        is_short = time.monotonic() - self._started < SHORT_LIFE_SECONDS
        self._delay = min(MAX_DELAY, max(FIRST_DELAY, 2 * self._delay)) if is_short else 0.0
        self._restart = asyncio.get_running_loop().create_task(self._start_again())

    async def _start_again(self) -> None:
        failures = 0
        while True:
            await asyncio.sleep(self._delay)
            self._metrics.restarts.inc()
            try:
                await self._start_worker()
                return
            # Whatever it is, such as a process that was killed while it was started: nobody else would try again.
            except Exception as error:
                failures += 1
                self._delay = min(MAX_DELAY, max(FIRST_DELAY, 2 * self._delay))
                # After one failure requests still wait: it may have been the same incident.
                self.batcher.unavailable_seconds = self._delay if failures > 1 else 0.0
                LOGGER.error("%s cannot be loaded again: %s", self._source.path, str(error) or type(error).__name__)


def usable_budget(budget: LatencyBudget | None, name: str) -> LatencyBudget | None:
    """The limit of latency that a card has, if it was measured on such a machine."""
    host = describe_host()
    if budget and (budget.processor, budget.cores) != (host.processor, host.cores):
        LOGGER.warning(
            "%s: its limit of latency was measured on another machine (%s, %d cores) and is not used here. Measure it "
            "here with `python benchmarks/run.py --p99-ms`, or name --max-batch.",
            name, budget.processor, budget.cores,
        )  # fmt: skip
        return None
    return budget


def was_measured_with(budget: LatencyBudget, info: RuntimeInfo, name: str) -> bool:
    """Whether a limit of latency was measured with what runs now; a message says if it was not."""
    if (budget.device, budget.runtime) == (info.device, info.runtime):
        return True
    LOGGER.warning(
        "%s: its limit of latency was measured on %s with %s and is not used on %s with %s. Measure it here with "
        "`python benchmarks/run.py --p99-ms`, or name --max-batch.",
        name, budget.device, budget.runtime, info.device, info.runtime,
    )  # fmt: skip
    return False
