"""What Prometheus reads at `/metrics`."""

from collections.abc import Callable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from temper.artifact import Artifact

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
INFO_LABELS = ("model", "artifact", "sha256", "precision")
CONTENT_TYPE = CONTENT_TYPE_LATEST


@dataclass(kw_only=True)
class Metrics:
    """The metrics of one server, in a registry of their own."""

    registry: CollectorRegistry = field(default_factory=lambda: CollectorRegistry(auto_describe=False))

    def __post_init__(self) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"temper_{name}", text, labels, registry=self.registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"temper_{name}", text, ("model",), buckets=buckets, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"temper_{name}", text, labels, registry=self.registry)

        self.requests = counter("requests", "Responses sent.", "model", "route", "code")
        self.rejected = counter("rejected", "Requests without a prediction, by cause.", "model", "cause")
        self.batches = histogram("batch_images", "Images in one call of the runtime.", BATCH_SIZES)
        self.queue_seconds = histogram(
            "queue_seconds", "From the arrival of images to the start of their batch.", SECONDS
        )
        self.compute_seconds = histogram("compute_seconds", "Duration of one call of the runtime.", SECONDS)
        self.restarts = counter("child_restarts", "Processes that ended and were started again.", "model")
        self.swaps = counter("swaps", "New artifacts that were published, by result.", "model", "result")
        self.queued = gauge("queued_images", "Images that wait for the runtime.", "model")
        self.ready = gauge("model_ready", "1 when the model can predict.", "model")
        self.info = gauge("model_info", "The artifact that is served; always 1.", *INFO_LABELS)
        ProcessCollector(registry=self.registry)

    def of(self, model: str) -> "ModelMetrics":
        """The metrics of one model."""
        return ModelMetrics(self, model)

    def text(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self.registry)


class ModelMetrics:
    """The metrics of one model: its label is looked up once."""

    def __init__(self, metrics: Metrics, model: str) -> None:
        self._metrics = metrics
        self._model = model
        self._batches = metrics.batches.labels(model)
        self._compute_seconds = metrics.compute_seconds.labels(model)
        self.queue_seconds = metrics.queue_seconds.labels(model)
        self.restarts = metrics.restarts.labels(model)

    def batch(self, images: int, seconds: float) -> None:
        """Count one call of the runtime."""
        self._batches.observe(images)
        self._compute_seconds.observe(seconds)

    def swap(self, result: str) -> None:
        """Count a new artifact: "swapped" or "refused"."""
        self._metrics.swaps.labels(self._model, result).inc()

    def serve(self, artifact: Artifact, former: Artifact | None) -> None:
        """Say which artifact is served now."""
        if former:
            self._metrics.info.remove(*self._info(former))
        self._metrics.info.labels(*self._info(artifact)).set(1)

    def watch(self, queued: Callable[[], float], is_ready: Callable[[], float]) -> None:
        """Read two gauges when they are asked for."""
        self._metrics.queued.labels(self._model).set_function(queued)
        self._metrics.ready.labels(self._model).set_function(is_ready)

    def _info(self, artifact: Artifact) -> tuple[str, str, str, str]:
        return self._model, artifact.name, artifact.card.sha256, artifact.card.precision


class RequestCount:
    """Middleware that counts responses by model, route and code, and refused requests by cause."""

    def __init__(self, app: ASGIApp, metrics: Metrics, models: frozenset[str]) -> None:
        self.app = app
        self._metrics = metrics
        self._models = models

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count its response."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def count(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(scope, message["status"])
            await send(message)

        await self.app(scope, receive, count)

    def _count(self, scope: Scope, status: int) -> None:
        # A name or path that a client made up is no label: there would be no end of them.
        model = scope.get("path_params", {}).get("model", "")
        model = model if model in self._models else ""
        endpoint = scope.get("endpoint")
        route = endpoint.__name__ if endpoint else "unknown"
        self._metrics.requests.labels(model, route, str(status)).inc()
        if cause := scope.get("refused"):
            self._metrics.rejected.labels(model, cause).inc()
