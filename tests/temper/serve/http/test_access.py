from pathlib import Path

import pytest

from temper.errors import UsageError
from temper.serve.http.access import read_token
from tests.temper.serve.serving import serving

TOKEN = "a-token-of-the-tests"


def test_only_health_and_the_page_need_no_token(onnx: Path) -> None:
    with serving(onnx, token=TOKEN) as server:
        for path in ("/v2/health/live", "/v2/health/ready", "/", "/page/page.js"):
            assert server.get(path).status == 200
        for path in ("/metrics", "/v2/models", "/v2/models/model/card", "/nothing"):
            reply = server.get(path)
            assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
            assert server.get(path, Authorization=f"Bearer {TOKEN}x").status == 401
            assert server.get(path, Authorization=f"Bearer {TOKEN}").status != 401
        assert server.get("/v2", Authorization=f"bearer {TOKEN}").status == 200


@pytest.mark.parametrize("content", ["", "short", "has a space between words", "naïve-token-of-the-tests"])
def test_a_token_that_is_easily_guessed_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content)
    with pytest.raises(UsageError, match="contains no token"):
        read_token(tmp_path / "token")


def test_a_token_is_read_without_the_line_break(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert read_token(tmp_path / "token") == TOKEN
    with pytest.raises(UsageError, match="cannot be read"):
        read_token(tmp_path / "none")
