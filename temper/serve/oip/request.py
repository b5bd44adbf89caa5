"""An inference request: JSON, followed by binary tensors where the client sends them so.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol and Triton's extensions
"binary tensor data" and "classification".
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from temper.runners.base import Images
from temper.serve.http.errors import RequestError
from temper.serve.settings import Limits

INPUT, OUTPUT = "images", "probabilities"
MAX_ID_CHARACTERS = 256
# A JSON number of one color value with its comma, and some white space.
JSON_BYTES_PER_VALUE = 6
Parameters = dict[str, Any]
# Values in a row, or nested as deeply as the shape.
Data = list[int | list[int | list[int | list[int]]]]


class _Tensor(Struct, frozen=True):
    name: str
    shape: tuple[int, ...]
    datatype: str
    parameters: Parameters = {}
    data: Any = None


class _Output(Struct, frozen=True):
    name: str
    parameters: Parameters = {}


class _Request(Struct, frozen=True):
    inputs: tuple[_Tensor, ...]
    outputs: tuple[_Output, ...] = ()
    id: str = ""
    parameters: Parameters = {}


DECODER = msgspec.json.Decoder(_Request)


@dataclass(frozen=True, kw_only=True)
class InferenceRequest:
    """A request that was checked.

    images: uint8 [n, size, size, 3]. id: the client's, repeated in the response. is_binary: the output is to be binary.
    classes: top k as "probability:index:label" instead of probabilities; 0 for probabilities. timeout: seconds that the
    client waits; None when it does not say.
    """

    images: Images
    id: str
    is_binary: bool
    classes: int
    timeout: float | None


def parse_request(body: bytes, headers: Mapping[str, str], size: int, limits: Limits) -> InferenceRequest:
    """Check an inference request for a model whose images are [n, size, size, 3].

    Raises RequestError with status 400, and 413 for too many images, with a sentence for the client.
    """
    text, binary = _split(body, headers.get("inference-header-content-length"))
    max_json = max(limits.json_bytes, JSON_BYTES_PER_VALUE * size * size * 3)
    if len(text) > max_json:
        raise RequestError(
            413, f"the JSON has more than {max_json:,} bytes; send images as binary tensors", cause="too_large"
        )
    try:
        request = DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestError(400, f"the request is not a valid inference request: {error}") from None
    except RecursionError:
        raise RequestError(400, "the JSON is nested too deeply") from None
    if len(request.id) > MAX_ID_CHARACTERS:
        raise RequestError(400, f"the id has more than {MAX_ID_CHARACTERS} characters")
    images = _images_of(request, binary, size, limits)
    is_binary, classes = _output_of(request)
    return InferenceRequest(
        images=images, id=request.id, is_binary=is_binary, classes=classes, timeout=_timeout_of(request)
    )


def _split(body: bytes, header_length: str | None) -> tuple[memoryview, memoryview]:
    view = memoryview(body)
    if header_length is None:
        return view, view[:0]
    if not header_length.isascii() or not header_length.isdigit() or len(header_length) > 12:
        raise RequestError(400, "Inference-Header-Content-Length is not a number of bytes")
    length = int(header_length)
    if length > len(body):
        raise RequestError(400, f"Inference-Header-Content-Length is {length}, and the body has {len(body)} bytes")
    return view[:length], view[length:]


def _images_of(request: _Request, binary: memoryview, size: int, limits: Limits) -> Images:
    expected = f"expected one input {INPUT!r}, UINT8 [n, {size}, {size}, 3]"
    if len(request.inputs) != 1 or request.inputs[0].name != INPUT:
        names = ", ".join(repr(each.name[:40]) for each in request.inputs[:4]) or "none"
        raise RequestError(400, f"the inputs are {names}; {expected}")
    tensor = request.inputs[0]
    if tensor.datatype != "UINT8" or tensor.shape[1:] != (size, size, 3) or tensor.shape[0] < 1:
        shape = ", ".join(map(str, tensor.shape[:8]))
        raise RequestError(400, f"the input is {tensor.datatype[:20]} [{shape}]; {expected}")
    if tensor.shape[0] > limits.images:
        raise RequestError(
            413, f"the request has {tensor.shape[0]} images; the limit is {limits.images}", cause="too_large"
        )
    _refuse_shared_memory(tensor.parameters)
    count = math.prod(tensor.shape)
    declared = tensor.parameters.get("binary_data_size")
    if declared is None:
        if len(binary):
            raise RequestError(400, f"{len(binary)} bytes follow the JSON, and the input has no binary_data_size")
        return _values_of(tensor.data, count).reshape(tensor.shape)
    if tensor.data is not None:
        raise RequestError(400, "the input has both data and binary_data_size")
    if type(declared) is not int or declared != count or len(binary) != count:
        raise RequestError(
            400, f"the shape needs {count} bytes; binary_data_size is {declared!r:.40}, and {len(binary)} bytes follow"
        )
    return np.frombuffer(binary, np.uint8).reshape(tensor.shape)


def _values_of(data: Any, count: int) -> NDArray[np.uint8]:
    """Integers of 0 to 255, nested or flat, as an array [count]."""
    if not isinstance(data, list):
        raise RequestError(400, "the input has no data: expected an array, or binary_data_size")
    expected = f"expected {count} integers of 0 to 255"
    try:
        # Without this check, an array of text takes as much memory for every value as for the longest: gigabytes.
        values = np.array(msgspec.convert(data, Data))
    except msgspec.ValidationError:
        raise RequestError(400, f"the data has values that are no integers; {expected}") from None
    except (ValueError, OverflowError):
        raise RequestError(400, "the data is not an array of numbers: its parts differ in length") from None
    if values.dtype.kind not in "iu" or values.size != count:
        what = f"{values.size} values" if values.dtype.kind in "iu" else "values that are no integers"
        raise RequestError(400, f"the data has {what}; {expected}")
    if values.min() < 0 or values.max() > 255:
        raise RequestError(400, "the data has values outside of 0 to 255")
    return values.astype(np.uint8).ravel()


def _output_of(request: _Request) -> tuple[bool, int]:
    """Whether the output is to be binary, and how many classes it is to name."""
    by_default = _flag(request.parameters, "binary_data_output")
    if not request.outputs:
        return by_default, 0
    if len(request.outputs) > 1 or request.outputs[0].name != OUTPUT:
        names = ", ".join(repr(each.name[:40]) for each in request.outputs[:4])
        raise RequestError(400, f"the outputs are {names}; expected {OUTPUT!r}, once")
    parameters = request.outputs[0].parameters
    _refuse_shared_memory(parameters)
    classes = parameters.get("classification", 0)
    if type(classes) is not int or classes < 0:
        raise RequestError(400, f"classification is {classes!r:.40}; expected a number of classes")
    return (_flag(parameters, "binary_data") if "binary_data" in parameters else by_default), classes


def _flag(parameters: Parameters, name: str) -> bool:
    value = parameters.get(name, False)
    if not isinstance(value, bool):
        raise RequestError(400, f"{name} is {value!r:.40}; expected true or false")
    return value


def _timeout_of(request: _Request) -> float | None:
    microseconds = request.parameters.get("timeout")
    if microseconds is None:
        return None
    if type(microseconds) is not int or microseconds < 0:
        raise RequestError(400, f"timeout is {microseconds!r:.40}; expected microseconds")
    # As in Triton, 0 stands for none.
    return microseconds / 1e6 or None


def _refuse_shared_memory(parameters: Parameters) -> None:
    if any(name.startswith("shared_memory") for name in parameters):
        raise RequestError(400, "shared memory is not supported; send the tensor in the body")
