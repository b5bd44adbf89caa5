"""The page at `/`, and the files that it loads."""

from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from temper.serve.http.errors import RequestError

FOLDER = Path(__file__).resolve().parents[1] / "page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# The page runs its own scripts only, and sends to this server only.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


def page_routes() -> list[Route]:
    """The routes of the page, whose files are read now."""
    _files()
    return [Route("/", page), Route("/page/{file}", page_file)]


async def page(request: Request) -> Response:
    """The page."""
    return _file("index.html")


async def page_file(request: Request) -> Response:
    """A script, a style sheet or an icon of the page."""
    return _file(request.path_params["file"])


def _file(name: str) -> Response:
    # Names of the folder only: a path that a client made up is never opened.
    if name not in _files():
        raise RequestError(404, "there is no such file", cause="unknown")
    return Response(_files()[name], headers={**HEADERS, "content-type": TYPES[Path(name).suffix]})


@cache
def _files() -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in FOLDER.iterdir() if each.suffix in TYPES}
