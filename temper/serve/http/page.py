"""The page at `/`, and the files that it loads."""

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
    """The routes of the page."""
    return [Route("/", page), Route("/page/{file}", page_file)]


async def page(request: Request) -> Response:
    """The page."""
    return _file("index.html")


async def page_file(request: Request) -> Response:
    """A script, a style sheet or an icon of the page."""
    return _file(request.path_params["file"])


def _file(name: str) -> Response:
    # Names of the folder only: a path that a client made up is never opened.
    files = {each.name: each for each in FOLDER.glob("*") if each.suffix in TYPES}
    if name not in files:
        raise RequestError(404, "there is no such file", cause="unknown")
    return Response(files[name].read_bytes(), headers={**HEADERS, "content-type": TYPES[files[name].suffix]})
