import gzip
import json

import numpy as np

from temper.serve.oip.request import InferenceRequest
from temper.serve.oip.response import classification, inference_response

LABELS = ("blue", "red")
PROBABILITIES = np.array([[0.25, 0.75], [0.5, 0.5]], np.float32)


def request(is_binary: bool, classes: int = 0, id: str = "") -> InferenceRequest:
    images = np.zeros((2, 1, 1, 3), np.uint8)
    return InferenceRequest(images=images, id=id, is_binary=is_binary, classes=classes, timeout=None)


def test_probabilities_are_json_or_bytes() -> None:
    text = inference_response("model", request(False, id="7"), PROBABILITIES, LABELS, "")
    content = json.loads(bytes(text.body))
    assert content["outputs"][0] == {
        "name": "probabilities", "datatype": "FP32", "shape": [2, 2], "data": [0.25, 0.75, 0.5, 0.5],
    }  # fmt: skip
    assert (content["id"], content["model_name"], content["model_version"]) == ("7", "model", "1")
    binary = inference_response("model", request(True), PROBABILITIES, LABELS, "")
    length = int(binary.headers["inference-header-content-length"])
    assert json.loads(bytes(binary.body[:length]))["outputs"][0]["parameters"] == {"binary_data_size": 16}
    np.testing.assert_array_equal(np.frombuffer(binary.body[length:], "<f4").reshape(2, 2), PROBABILITIES)


def test_classes_are_named_the_most_probable_first() -> None:
    assert classification(PROBABILITIES, LABELS, 5) == [
        b"0.750000:1:red", b"0.250000:0:blue", b"0.500000:0:blue", b"0.500000:1:red",
    ]  # fmt: skip
    response = inference_response("model", request(False, classes=1), PROBABILITIES, LABELS, "")
    assert json.loads(bytes(response.body))["outputs"][0]["data"] == ["0.750000:1:red", "0.500000:0:blue"]


def test_a_large_response_is_compressed_when_the_client_takes_it() -> None:
    many = np.tile(PROBABILITIES, (500, 1))
    response = inference_response("model", request(True), many, LABELS, "gzip, deflate")
    assert response.headers["content-encoding"] == "gzip"
    length = int(response.headers["inference-header-content-length"])
    assert gzip.decompress(response.body)[length:] == many.tobytes()
