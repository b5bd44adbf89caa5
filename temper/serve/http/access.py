"""Who may send requests: whoever knows the token, if there is one."""

import hmac
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from temper.errors import UsageError
from temper.serve.http.errors import RequestError, error_response

MIN_TOKEN_CHARACTERS = 16
# Probes of an orchestrator have no token, and the page asks for it: neither shows anything of a model.
WITHOUT_TOKEN = ("/v2/health/live", "/v2/health/ready", "/")
PAGE = "/page/"
SCHEME = b"bearer "


def read_token(path: Path) -> str:
    """The token in a file, without the white space around it. Raises UsageError for one that is easily guessed."""
    try:
        if not path.is_file():
            # A pipe would be waited for.
            raise FileNotFoundError("it is not a file")
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error})", fix="Check the path of --token-file.") from None
    if len(token) < MIN_TOKEN_CHARACTERS or not token.isascii() or any(each.isspace() for each in token):
        raise UsageError(
            f"{path} contains no token. Expected {MIN_TOKEN_CHARACTERS} characters of ASCII or more, without a space",
            fix="Write one:\n    python -c 'import secrets; print(secrets.token_urlsafe(32))' > FILE",
        )
    return token


class TokenCheck:
    """Middleware that refuses requests without the token: 401."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path in WITHOUT_TOKEN or path.startswith(PAGE) or self._is_allowed(scope):
            await self.app(scope, receive, send)
            return
        scope["refused"] = "unauthorized"
        error = RequestError(401, "a token is needed: send it as `Authorization: Bearer TOKEN`", cause="unauthorized")
        await error_response(error)(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        is_bearer = given[: len(SCHEME)].lower() == SCHEME
        # The time of the comparison says nothing about the token.
        return is_bearer and hmac.compare_digest(given[len(SCHEME) :].strip(), self._token)
