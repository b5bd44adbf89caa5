"""Requests that are refused: one exception, and one form of response."""

import math

import msgspec
from starlette.requests import Request
from starlette.responses import Response

# A client that comes back before this gains nothing.
MIN_RETRY_SECONDS = 1


class RequestError(Exception):
    """A request that gets no prediction.

    status: of the response. message: a sentence for the client. cause: one word for the metrics. retry_seconds: after
    which time the request may succeed; with status 503 only.
    """

    def __init__(self, status: int, message: str, *, cause: str = "invalid", retry_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.cause = cause
        self.retry_seconds = retry_seconds


def json_response(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A value as a JSON response."""
    return Response(msgspec.json.encode(content), status, headers, "application/json")


def error_response(error: RequestError) -> Response:
    """The response for an error; one of status 503 says when to try again."""
    headers = {}
    if error.status == 503:
        headers["retry-after"] = str(max(MIN_RETRY_SECONDS, math.ceil(error.retry_seconds)))
    elif error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return json_response({"error": str(error)}, error.status, headers)


async def handle_error(request: Request, error: Exception) -> Response:
    """For Starlette: an error that a handler raised."""
    assert isinstance(error, RequestError)
    request.scope["refused"] = error.cause
    # Its frames hold the body, until the garbage collector comes by.
    error.__traceback__ = None
    return error_response(error)
