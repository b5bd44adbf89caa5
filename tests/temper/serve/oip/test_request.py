import json
import tracemalloc
from typing import Any

import numpy as np
import pytest

from temper.serve.http.errors import RequestError
from temper.serve.oip.request import InferenceRequest, parse_request
from temper.serve.settings import Limits

SIZE = 2
VALUES = 12


def body(parameters: dict[str, Any] | None = None, **fields: Any) -> bytes:
    tensor = {"name": "images", "shape": [1, SIZE, SIZE, 3], "datatype": "UINT8", "data": list(range(VALUES)), **fields}
    return json.dumps({"inputs": [tensor], "parameters": parameters or {}}).encode()


def parse(content: bytes, **headers: str) -> InferenceRequest:
    return parse_request(
        content, {name.replace("_", "-"): text for name, text in headers.items()}, SIZE, Limits(images=4)
    )


def refusal(content: bytes, **headers: str) -> str:
    with pytest.raises(RequestError) as caught:
        parse(content, **headers)
    assert caught.value.status == 400
    return str(caught.value)


def test_flat_and_nested_data_are_the_same() -> None:
    expected = np.arange(VALUES, dtype=np.uint8).reshape(1, SIZE, SIZE, 3)
    for data in (expected.ravel().tolist(), expected.tolist()):
        np.testing.assert_array_equal(parse(body(data=data)).images, expected)


def test_a_binary_tensor_follows_the_json() -> None:
    tensor = {
        "name": "images",
        "shape": [1, SIZE, SIZE, 3],
        "datatype": "UINT8",
        "parameters": {"binary_data_size": VALUES},
    }
    text = json.dumps({"inputs": [tensor]}).encode()
    asked = parse(text + bytes(range(VALUES)), inference_header_content_length=str(len(text)))
    assert asked.images.ravel().tolist() == list(range(VALUES))
    assert "12 bytes; binary_data_size is 12, and 11 bytes follow" in refusal(
        text + bytes(VALUES - 1), inference_header_content_length=str(len(text))
    )


def test_what_the_client_wants_is_read() -> None:
    asked = parse(body({"binary_data_output": True, "timeout": 2_000_000}))
    assert (asked.is_binary, asked.classes, asked.timeout) == (True, 0, 2.0)
    assert parse(body({"timeout": 0})).timeout is None


@pytest.mark.parametrize("shape", [[], [1], [0, 2, 2, 3], [-1, 2, 2, 3], [1, 2, 3, 2], [1, 2, 2, 4], [2, 2, 2, 3]])
def test_another_shape_is_refused(shape: list[int]) -> None:
    assert "expected" in refusal(body(shape=shape))


@pytest.mark.parametrize(
    "data",
    [[256] * VALUES, [-1] * VALUES, [0.5] * VALUES, ["a"] * VALUES, [None] * VALUES, [10**30] * VALUES, [True] * VALUES,
     [[1, 2], [3]], [], {}, 1, None, [{}] * VALUES],
)  # fmt: skip
def test_what_is_no_array_of_colors_is_refused(data: Any) -> None:
    assert "data" in refusal(body(data=data))


def test_text_in_place_of_numbers_takes_no_memory_of_its_own() -> None:
    # NumPy would make an array of 80 MB of it: 4 bytes for each character of the longest text, for each text.
    content = body(data=["x" * 20_000, *[""] * 1000])
    tracemalloc.start()
    try:
        assert "values that are no integers" in refusal(content)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"inputs": {}}', b"\xff", b'{"inputs": []}', b"[" * 100_000]
)
def test_what_is_no_inference_request_is_refused(content: bytes) -> None:
    assert refusal(content)


@pytest.mark.parametrize("length", ["-1", "x", "", "1e3", "9" * 100, "100000", "٣"])
def test_a_wrong_length_of_the_json_is_refused(length: str) -> None:
    assert "Inference-Header-Content-Length" in refusal(body(), inference_header_content_length=length)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ([{"name": "other"}], "the outputs are 'other'; expected 'probabilities', once"),
        ([{"name": "probabilities"}] * 2, "once"),
        ([{"name": "probabilities", "parameters": {"classification": -1}}], "classification is -1"),
        ([{"name": "probabilities", "parameters": {"binary_data": 1}}], "binary_data is 1"),
        ([{"name": "probabilities", "parameters": {"shared_memory_region": "x"}}], "shared memory is not supported"),
    ],
)
def test_other_outputs_are_refused(outputs: list[dict[str, Any]], message: str) -> None:
    content = json.loads(body())
    assert message in refusal(json.dumps({**content, "outputs": outputs}).encode())


@pytest.mark.parametrize("datatype", ["FP32", "uint8", ""])
def test_another_type_is_refused(datatype: str) -> None:
    assert "expected one input 'images', UINT8" in refusal(body(datatype=datatype))


def test_too_many_images_and_too_much_json_are_too_large() -> None:
    for content, limits in (
        (body(shape=[5, SIZE, SIZE, 3]), Limits(images=4)),
        (body(x="y" * 200), Limits(json_bytes=100)),
    ):
        with pytest.raises(RequestError) as caught:
            parse_request(content, {}, SIZE, limits)
        assert caught.value.status == 413


def test_an_id_and_a_timeout_have_limits() -> None:
    content = json.loads(body())
    assert "the id has more than" in refusal(json.dumps({**content, "id": "x" * 1000}).encode())
    assert "timeout is -1" in refusal(body({"timeout": -1}))
