"""The parent's side of a child process: start it, send it batches, notice that it ends or hangs."""

import asyncio
import contextlib
import ctypes
import logging
import multiprocessing
import os
import socket
from collections.abc import Callable, Sequence

import msgspec

from temper import errors
from temper.artifact import Artifact
from temper.errors import ArtifactError, UserError
from temper.runners.base import Images, Probabilities, RuntimeInfo
from temper.serve.workers.child import MAX_MESSAGE, Slot, Task, run_child
from temper.system.child_process import describe_exit
from temper.system.interrupts import delayed_interrupt

LOGGER = logging.getLogger("temper.serve")
# One batch is predicted while the next one is copied.
SLOTS = 2
# A TensorFlow model takes most of a minute; a plan may compile kernels.
START_SECONDS = 300.0
# A batch takes a second where it takes long: a process that needs more than this does not work.
HANG_SECONDS = 30.0
STOP_SECONDS = 1.0


class Worker:
    """A child process that predicts batches of an artifact.

    on_result(slot, n, probabilities [n, classes], seconds): for each batch; the probabilities are overwritten by the
    next one. on_exit(reason): once, when the process has ended without `stop`.
    """

    def __init__(self, artifact: Artifact, max_batch: int) -> None:
        self.info: RuntimeInfo | None = None
        self.on_result: Callable[[int, int, Probabilities, float], None] = lambda *_: None
        self.on_exit: Callable[[str], None] = lambda _: None
        self._name = artifact.name
        self._loop = asyncio.get_running_loop()
        self._started: asyncio.Future[RuntimeInfo] = self._loop.create_future()
        self._sent: dict[int, tuple[int, asyncio.TimerHandle]] = {}
        self._free = list(range(SLOTS))
        self._reason = ""
        self._is_stopping = False
        size, classes = artifact.card.size, len(artifact.card.labels)
        context = multiprocessing.get_context("spawn")
        bytes_of_slot = Slot.bytes_for(max_batch, size, classes)
        memories = [context.RawArray(ctypes.c_uint8, bytes_of_slot) for _ in range(SLOTS)]
        self._slots = [Slot.over(each, max_batch, size, classes) for each in memories]
        # Packets: a message arrives completely or not at all.
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        task = Task(artifact=artifact.path, max_batch=max_batch, size=size, classes=classes, memories=memories)
        self._process = context.Process(target=run_child, args=(theirs, os.getpid(), task), daemon=True)
        # A terminal and systemd send their signal to all processes; the parent decides when the child ends.
        try:
            with delayed_interrupt():
                self._process.start()
        except BaseException:
            self._channel.close()
            raise
        finally:
            theirs.close()
        self._channel.setblocking(False)
        self._loop.add_reader(self._channel, self._read)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid or 0

    @property
    def has_free_slot(self) -> bool:
        """True when another batch can be sent."""
        return bool(self._free)

    @property
    def is_idle(self) -> bool:
        """True when no batch is being predicted."""
        return not self._sent

    async def wait_until_ready(self) -> RuntimeInfo:
        """Wait until the artifact is loaded and has passed its self-test.

        Raises UserError when it cannot be loaded, fails, or takes too long.
        """
        try:
            self.info = await asyncio.wait_for(asyncio.shield(self._started), START_SECONDS)
        except asyncio.TimeoutError:
            await self.stop()
            raise ArtifactError(
                f"loading {self._name} took more than {START_SECONDS:.0f} s", fix="Close other programs, and try again."
            ) from None
        except BaseException:
            await self.stop()
            raise
        return self.info

    def send(self, parts: Sequence[Images], deadlines: Sequence[float]) -> int:
        """Send a batch: parts [n, size, size, 3], and for each image the time.monotonic of its deadline.

        Returns the slot that it uses.
        """
        index = self._free.pop()
        images, start = self._slots[index].images, 0
        for part in parts:
            images[start : start + len(part)] = part
            start += len(part)
        self._sent[index] = start, self._loop.call_later(HANG_SECONDS, self._kill_hanging)
        # When the process has just ended, its end is read next.
        with contextlib.suppress(OSError):
            self._channel.send(msgspec.msgpack.encode((index, deadlines)))
        return index

    async def stop(self) -> None:
        """End the process."""
        self._is_stopping = True
        self._close_channel()
        for _ in range(round(STOP_SECONDS / 0.02)):
            if self._process.exitcode is not None:
                break
            await asyncio.sleep(0.02)
        self.kill()
        self._process.join()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def _read(self) -> None:
        try:
            message = self._channel.recv(MAX_MESSAGE)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:
            self._ended()
            return
        first, *rest = msgspec.msgpack.decode(message)
        if first == "ready":
            self._started.set_result(RuntimeInfo(runtime=rest[0], device=rest[1], executed=rest[2]))
        elif first == "failed":
            name, what, fix = rest
            kind: type[UserError] = getattr(errors, name, UserError)
            self._started.set_exception(kind(what, fix=fix))
        else:
            n, timer = self._sent.pop(first)
            timer.cancel()
            self._free.append(first)
            self.on_result(first, n, self._slots[first].probabilities[:n], rest[0])

    def _ended(self) -> None:
        self._close_channel()
        # A process whose channel is closed is ending, or is of no use.
        self.kill()
        self._process.join()
        reason = self._reason or describe_exit(self._process.exitcode or 0)
        if not self._started.done():
            error = ArtifactError(
                f"the process that loads {self._name} ended ({reason})",
                fix="Close other programs if memory is short, or convert it again.",
            )
            self._started.set_exception(error)
        elif not self._is_stopping:
            self.on_exit(reason)

    def _close_channel(self) -> None:
        if self._channel.fileno() < 0:
            # `stop` closes it too, after a process that ended while it loaded the artifact.
            return
        self._loop.remove_reader(self._channel)
        self._channel.close()
        for _, timer in self._sent.values():
            timer.cancel()

    def _kill_hanging(self) -> None:
        self._reason = f"it did not respond for {HANG_SECONDS:.0f} s"
        self.kill()
