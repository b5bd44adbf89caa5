import json

from temper.serve.http.errors import RequestError, error_response


def test_a_503_says_when_to_try_again() -> None:
    response = error_response(RequestError(503, "the queue is full", retry_seconds=1.2))
    assert response.headers["retry-after"] == "2"
    assert json.loads(bytes(response.body)) == {"error": "the queue is full"}
    assert error_response(RequestError(503, "")).headers["retry-after"] == "1"
    assert "retry-after" not in error_response(RequestError(400, "")).headers
