"""The routes of the server."""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from temper.infer.results import is_unknown, top_k
from temper.serve.decoding import Decoders
from temper.serve.http.access import TokenCheck
from temper.serve.http.body import Bodies
from temper.serve.http.errors import RequestError, error_response, handle_error, json_response
from temper.serve.http.page import page_routes
from temper.serve.metrics import CONTENT_TYPE, Metrics, RequestCount
from temper.serve.model import ServedModel
from temper.serve.oip.metadata import card_summary, model_config, model_metadata, server_metadata
from temper.serve.oip.request import parse_request
from temper.serve.oip.response import VERSION, inference_response
from temper.serve.settings import Settings


@dataclass(kw_only=True)
class Service:
    """The served models, and what their requests have in common."""

    models: dict[str, ServedModel]
    settings: Settings
    metrics: Metrics
    is_stopping: bool = False

    def __post_init__(self) -> None:
        self.bodies = Bodies(self.settings.limits)
        self.decoders = Decoders(self.settings.decoding)

    @property
    def is_ready(self) -> bool:
        """True when every model can predict."""
        return not self.is_stopping and all(each.is_ready for each in self.models.values())

    def model(self, request: Request) -> ServedModel:
        """The model that the path names. Raises RequestError with status 404."""
        name = request.path_params["model"]
        if name not in self.models:
            names = ", ".join(self.models)
            raise RequestError(404, f"there is no model {name[:80]!r}; expected one of {names}", cause="unknown")
        version = request.path_params.get("version", VERSION)
        if version != VERSION:
            raise RequestError(
                404, f"{name} has no version {version[:20]!r}; its version is {VERSION}", cause="unknown"
            )
        return self.models[name]

    def deadline(self, timeout: float | None = None) -> float:
        """Of a request whose body is complete now, in the time of the event loop: a slow network is not its fault."""
        seconds = self.settings.deadline_ms / 1000
        return asyncio.get_running_loop().time() + min(seconds, timeout or seconds)


def make_app(service: Service) -> Starlette:
    """The ASGI application for a service."""
    middleware = [Middleware(RequestCount, metrics=service.metrics, models=frozenset(service.models))]
    if service.settings.token:
        middleware.append(Middleware(TokenCheck, token=service.settings.token))
    app = Starlette(
        routes=[*_protocol_routes(), *page_routes()],
        middleware=middleware,
        exception_handlers={RequestError: handle_error, HTTPException: _http_error, Exception: _bug},
    )
    app.router.redirect_slashes = False
    app.state.service = service
    return app


def _protocol_routes() -> list[Route]:
    model, version = "/v2/models/{model}", "/versions/{version}"
    routes = [
        Route("/v2/health/live", live),
        Route("/v2/health/ready", ready),
        Route("/v2", server),
        Route("/v2/", server),
        Route("/v2/models", models),
        Route(f"{model}/classify", classify, methods=["POST"]),
        Route(f"{model}/card", card),
        Route("/metrics", metrics),
    ]
    for prefix in (model, model + version):
        routes += [
            Route(f"{prefix}/infer", infer, methods=["POST"]),
            Route(f"{prefix}/ready", model_ready),
            Route(f"{prefix}/config", config),
            Route(prefix, metadata),
        ]
    return routes


async def infer(request: Request) -> Response:
    """Tensors in, probabilities out, as the Open Inference Protocol says."""
    service = _service(request)
    model = service.model(request)
    # Before the body is read: under overload, a refusal has to be cheap.
    model.generation.batcher.admit(1, service.deadline())
    async with service.bodies.read(request) as body:
        arrived, generation = asyncio.get_running_loop().time(), model.generation
        with generation.in_use():
            card = generation.artifact.card
            asked = parse_request(body, request.headers, card.size, service.settings.limits)
            answered = await generation.batcher.predict(asked.images, service.deadline(asked.timeout), arrived)
    accepted = request.headers.get("accept-encoding", "")
    return inference_response(model.name, asked, answered.probabilities, card.labels, accepted)


async def classify(request: Request) -> Response:
    """The bytes of an image file in, labels out."""
    service = _service(request)
    model = service.model(request)
    k = _top_k(request, service.settings.top_k)
    model.generation.batcher.admit(1, service.deadline())
    service.decoders.admit(service.deadline())
    async with service.bodies.read(request) as body:
        started, deadline = asyncio.get_running_loop().time(), service.deadline()
        generation = model.generation
        with generation.in_use():
            card = generation.artifact.card
            pixels = await service.decoders.decode(body, card.size, deadline)
            answered = await generation.batcher.predict(pixels[None], deadline, started)
    predictions = top_k(answered.probabilities[0], card.labels, k)
    total = asyncio.get_running_loop().time() - started
    seconds = {"queue": answered.queue, "compute": answered.compute, "total": total}
    return json_response(
        {
            "model_name": model.name,
            "predictions": [{"label": each.label, "probability": each.probability} for each in predictions],
            "unknown": is_unknown(predictions, card.confidence_threshold),
            "milliseconds": {name: round(1000 * value, 3) for name, value in seconds.items()},
        }
    )


async def live(request: Request) -> Response:
    """The process responds."""
    return json_response({"live": True})


async def ready(request: Request) -> Response:
    """Every model can predict."""
    return _ready("the server", _service(request).is_ready)


async def model_ready(request: Request) -> Response:
    """One model can predict."""
    model = _service(request).model(request)
    return _ready(model.name, model.is_ready)


async def server(request: Request) -> Response:
    """What this server is."""
    return json_response(server_metadata())


async def models(request: Request) -> Response:
    """The names of the models, and how large a request may be."""
    service = _service(request)
    named = [{"name": each.name, "ready": each.is_ready} for each in service.models.values()]
    return json_response({"models": named, "max_request_bytes": service.settings.limits.body_bytes})


async def metadata(request: Request) -> Response:
    """The tensors of a model."""
    model = _service(request).model(request)
    return json_response(model_metadata(model.name, model.generation.artifact))


async def config(request: Request) -> Response:
    """The batching of a model, in the words of Triton."""
    model = _service(request).model(request)
    batching = model.generation.batcher.batching
    return json_response(
        model_config(model.name, model.generation.artifact, batching.max_batch, 1000 * batching.max_wait)
    )


async def card(request: Request) -> Response:
    """What the card of the artifact says."""
    model = _service(request).model(request)
    return json_response(card_summary(model.name, model.generation.artifact, model.generation.runtime))


async def metrics(request: Request) -> Response:
    """For Prometheus."""
    return Response(_service(request).metrics.text(), media_type=CONTENT_TYPE)


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _ready(what: str, is_ready: bool) -> Response:
    if not is_ready:
        return error_response(RequestError(503, f"{what} is not ready"))
    return json_response({"ready": True})


def _top_k(request: Request, default: int) -> int:
    text = request.query_params.get("top_k")
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not 0 < len(text) < 7 or int(text) < 1:
        raise RequestError(400, f"top_k is {text[:20]!r}; expected a number of at least 1")
    return int(text)


async def _http_error(request: Request, error: Any) -> Response:
    """404 and 405 of Starlette."""
    path = request.url.path[:200]
    messages = {404: f"there is nothing at {path!r}", 405: f"{path!r} does not take {request.method}"}
    request.scope["refused"] = "unknown"
    message = messages.get(error.status_code, str(error.detail))
    return json_response({"error": message}, error.status_code, dict(error.headers or {}))


async def _bug(request: Request, error: Exception) -> Response:
    """Starlette logs the error after this response."""
    return json_response({"error": "an error in the server; its log says more"}, 500)
