"""A model that is served under a name: the current generation of its artifact, and the watch for a new one."""

import asyncio
import logging

from temper.artifact import Artifact
from temper.errors import UserError
from temper.serve.metrics import Metrics
from temper.serve.settings import Settings
from temper.serve.workers.generation import Generation
from temper.trust.signature import signature_path

LOGGER = logging.getLogger("temper.serve")
# Of each file of an artifact: modification time, inode and size. None: it is missing.
Identities = tuple[tuple[int, int, int] | None, ...]


class ServedModel:
    """A name, and the artifact that answers under it."""

    def __init__(self, name: str, artifact: Artifact, settings: Settings, metrics: Metrics) -> None:
        self.name = name
        self.source = artifact
        self.settings = settings
        self.is_stopping = False
        self.metrics = metrics.of(name)
        self._seen = identities_of(artifact)
        self._former: set[asyncio.Task[None]] = set()
        self.generation = Generation(artifact, settings, self.metrics)
        self.metrics.watch(lambda: self.generation.batcher.queued, lambda: self.is_ready)

    @property
    def is_ready(self) -> bool:
        """True when it can predict, and the server does not stop."""
        return self.generation.is_ready and not self.is_stopping

    async def start(self) -> None:
        """Load the artifact. Raises UserError."""
        await self.generation.start()
        self.metrics.serve(self.generation.artifact, None)

    async def watch(self) -> None:
        """Look for a new artifact for ever, and swap it in; one that cannot be used is refused."""
        refused = former = self._seen
        while True:
            await asyncio.sleep(self.settings.watch_seconds)
            identities = identities_of(self.source)
            # What was seen twice is complete, whoever copied it.
            if identities == former and identities not in (self._seen, refused):
                if await self._swap():
                    self._seen = identities
                refused = identities
            former = identities

    async def stop(self) -> None:
        """Answer what was accepted, and end the processes."""
        self.is_stopping = True
        for task in self._former:
            task.cancel()
        await asyncio.gather(*self._former, return_exceptions=True)
        await self.generation.close()

    async def _swap(self) -> bool:
        new = Generation(self.source, self.settings, self.metrics)
        try:
            await new.start()
        # Whatever it is: an exception would end the watch, and no later artifact would be served.
        except Exception as error:
            self.metrics.swap("refused")
            reason = error if isinstance(error, UserError) else repr(error)
            LOGGER.error("%s: the new artifact is refused, and the former one is still served: %s", self.name, reason)
            return False
        old, self.generation = self.generation, new
        self.metrics.serve(new.artifact, old.artifact)
        self.metrics.swap("swapped")
        LOGGER.info("%s: a new artifact is served, SHA-256 %s", self.name, new.artifact.card.sha256[:12])
        task = asyncio.get_running_loop().create_task(self._retire(old))
        self._former.add(task)
        task.add_done_callback(self._former.discard)
        return True

    async def _retire(self, old: Generation) -> None:
        try:
            # No request in it is older than this.
            await old.drain(self.settings.deadline_ms / 1000)
        finally:
            await old.close()


def identities_of(artifact: Artifact) -> Identities:
    """What changes when an artifact or its card is replaced, or signed."""
    identities: list[tuple[int, int, int] | None] = []
    for path in (artifact.card_path, signature_path(artifact), *artifact.files):
        try:
            status = path.stat()
            identities.append((status.st_mtime_ns, status.st_ino, status.st_size))
        except OSError:
            identities.append(None)
    return tuple(identities)
