"""An inference response: JSON, and binary outputs where the client asks for them."""

import struct
from typing import Any

import msgspec
import numpy as np
from starlette.responses import Response

from temper.runners.base import Probabilities
from temper.serve.http.encoding import encoded
from temper.serve.oip.request import OUTPUT, InferenceRequest

VERSION = "1"


def inference_response(
    model_name: str, request: InferenceRequest, probabilities: Probabilities, labels: tuple[str, ...], accepted: str
) -> Response:
    """The response to a request. probabilities: [n, classes]. accepted: the header Accept-Encoding of the request."""
    if request.classes:
        datatype, values = "BYTES", classification(probabilities, labels, request.classes)
        shape = [len(probabilities), len(values) // len(probabilities)]
        binary = b"".join(struct.pack("<I", len(each)) + each for each in values) if request.is_binary else b""
        data: Any = None if request.is_binary else [each.decode() for each in values]
    else:
        datatype, shape = "FP32", list(probabilities.shape)
        binary = np.ascontiguousarray(probabilities, "<f4").tobytes() if request.is_binary else b""
        data = None if request.is_binary else probabilities.ravel().tolist()
    output: dict[str, Any] = {"name": OUTPUT, "datatype": datatype, "shape": shape}
    output |= {"parameters": {"binary_data_size": len(binary)}} if request.is_binary else {"data": data}
    content = {"model_name": model_name, "model_version": VERSION, "outputs": [output]}
    if request.id:
        content["id"] = request.id
    text = msgspec.json.encode(content)
    headers = {"content-type": "application/json"}
    if request.is_binary:
        headers = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(text))}
    return encoded(text + binary, headers, accepted)


def classification(probabilities: Probabilities, labels: tuple[str, ...], k: int) -> list[bytes]:
    """The k most probable classes of each image, one after the other: "probability:index:label" as Triton writes it.

    >>> classification(np.array([[0.25, 0.75]], np.float32), ("cat", "dog"), 1)
    [b'0.750000:1:dog']
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return [
        f"{row[index]:f}:{index}:{labels[index]}".encode()
        for row, indices in zip(probabilities, order.tolist(), strict=True)
        for index in indices
    ]
