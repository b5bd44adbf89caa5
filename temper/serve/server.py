"""Starts the models and uvicorn, and stops both without losing a request."""

import asyncio
import contextlib
import functools
import logging
import math
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import FrameType

import uvicorn

from temper.artifact import Artifact
from temper.errors import ResourceError
from temper.serve.app import Service, make_app
from temper.serve.http.connections import protocol_with
from temper.serve.http.tls import check_certificate
from temper.serve.metrics import Metrics
from temper.serve.model import ServedModel
from temper.serve.open_files import limited_by_open_files
from temper.serve.settings import Limits, Settings
from temper.serve.workers.generation import Generation

LOGGER = logging.getLogger("temper.serve")
# Beyond `drain_seconds`, for what still holds a connection open. uvicorn takes complete seconds for the sum.
GRACE_SECONDS = 0.5
# How often uvicorn looks at `should_exit`.
TICK_SECONDS = 0.1
# A client that holds a connection open reads the end of TLS only with its next request.
TLS_END_SECONDS = 0.5


class Server(uvicorn.Server):
    """uvicorn, which drains the models when it is to stop, and ends without the signal that stopped it."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say where."""
        if self.config.is_ssl:
            # uvicorn has no option for them.
            loop, times = asyncio.get_running_loop(), tls_times(self.service.settings.limits)
            loop.create_server = functools.partial(loop.create_server, **times)  # type: ignore[method-assign]
        await super().startup(sockets)
        for each in sockets or []:
            announce(self.service, each)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was accepted, then close."""
        LOGGER.info("stopping: accepted requests are answered")
        service = self.service
        service.is_stopping = True
        generations = [each.generation for each in service.models.values()]
        drains = [asyncio.create_task(each.drain(service.settings.drain_seconds)) for each in generations]
        await super().shutdown(sockets)
        await asyncio.gather(*drains)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGINT and SIGTERM; uvicorn's own version raises the signal again at the end."""
        try:
            former = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:
            # Not the main thread: whoever started it sets `should_exit`.
            yield
            return
        try:
            yield
        finally:
            for each, handler in former.items():
                signal.signal(each, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The second signal does not wait for requests."""
        self.force_exit = self.should_exit
        self.should_exit = True


def serve(artifacts: dict[str, Artifact], settings: Settings) -> None:
    """Serve artifacts by name until SIGINT or SIGTERM.

    Raises UserError when an artifact cannot be loaded or the address cannot be used.
    """
    settings = replace(settings, limits=limited_by_open_files(settings.limits))
    with bound_socket(settings) as listener:
        server = make_server(artifacts, settings)
        with server.capture_signals():
            asyncio.run(run_server(server, listener))


async def run_server(server: Server, listener: socket.socket) -> None:
    """Load the models of a server and answer requests, until its `should_exit` is set. Raises UserError."""
    models = list(server.service.models.values())
    watches: list[asyncio.Task[None]] = []
    try:
        if await _load(server):
            watches += [asyncio.create_task(each.watch()) for each in models]
            await server.serve(sockets=[listener])
    finally:
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        await asyncio.gather(*(each.stop() for each in models))
        server.service.decoders.close()
    LOGGER.info("stopped")


async def _load(server: Server) -> bool:
    """Load the models, one after the other; False when the server is to stop before. Raises UserError."""

    async def load_all() -> None:
        for model in server.service.models.values():
            await model.start()

    loading = asyncio.create_task(load_all())
    while not server.should_exit and not loading.done():
        await asyncio.wait({loading}, timeout=TICK_SECONDS)
    if not loading.done():
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        return False
    await loading
    return True


def make_server(artifacts: dict[str, Artifact], settings: Settings) -> Server:
    """A server whose models are not started yet. Raises UsageError for a certificate that cannot be used."""
    if settings.certfile:
        check_certificate(settings.certfile, settings.keyfile)
    metrics = Metrics()
    models = {name: ServedModel(name, artifact, settings, metrics) for name, artifact in artifacts.items()}
    service = Service(models=models, settings=settings, metrics=metrics)
    # Only errors: what clients do wrong is counted, and is no news.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    config = uvicorn.Config(
        make_app(service),
        http=protocol_with(settings.limits),
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=settings.limits.connections,
        timeout_keep_alive=round(settings.limits.keep_alive_seconds),
        timeout_graceful_shutdown=math.ceil(settings.drain_seconds + GRACE_SECONDS),
        ssl_certfile=settings.certfile,
        ssl_keyfile=settings.keyfile,
    )
    config.load()
    return Server(config, service)


def bound_socket(settings: Settings) -> socket.socket:
    """A listening socket at the address. Raises ResourceError when it cannot be bound."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(address, family=family, backlog=settings.limits.connections)
    # UnicodeError: for what is no name of a host, such as one with two periods in a row.
    except (OSError, OverflowError, UnicodeError) as error:
        raise ResourceError(
            f"{settings.host}:{settings.port} cannot be used ({error})", fix="Name another --host or --port."
        ) from None
    # Connections inherit it. asyncio sets it only where a socket was made with the number of the protocol; without it,
    # the second part of a response waits for the client's acknowledgment of the first, which comes after up to 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def tls_times(limits: Limits) -> dict[str, float]:
    """Arguments of `create_server`: how long a client may begin TLS, and end it. asyncio waits 60 and 30 seconds."""
    times = {"ssl_handshake_timeout": limits.header_seconds}
    if sys.version_info >= (3, 11):
        times["ssl_shutdown_timeout"] = TLS_END_SECONDS
    return times


def announce(service: Service, listener: socket.socket) -> None:
    """Log which URL serves what."""
    settings = service.settings
    port = listener.getsockname()[1]
    scheme = "https" if settings.certfile else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base = f"{scheme}://{host}:{port}"
    for model in service.models.values():
        runtime, batching = model.generation.runtime, model.generation.batcher.batching
        name = f"{runtime.runtime}, {runtime.device}" if runtime else ""
        LOGGER.info("%s/v2/models/%s: %s (%s), up to %d images in a call%s", base, model.name, model.source.path, name,
                    batching.max_batch, _limit(model.generation))  # fmt: skip
    if not settings.is_local and not (settings.token and settings.certfile):
        missing = " and ".join(
            [*([] if settings.token else ["without a token"]), *([] if settings.certfile else ["without encryption"])]
        )
        LOGGER.warning("other machines can send requests to %s, %s", base, missing)
    LOGGER.info("page: %s/   metrics: %s/metrics   stop: Ctrl-C", base, base)


def _limit(generation: Generation) -> str:
    if not (budget := generation.budget):
        return ""
    limit = (
        f"a latency budget of {budget.limit_ms:g} ms, which calls alone kept at {budget.images_per_second:.0f} images/s"
    )
    return f"; {limit}: what would take longer gets 503"
