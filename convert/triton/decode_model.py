"""Triton's Python model that decodes image files; it is copied into a model repository, and runs inside the server.

It decodes with the copy of `temper.images` beside it: the pixels are those that the network was trained and verified
on. The server's Python needs numpy and Pillow.
"""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found]

from temper.errors import UserError
from temper.images import EncodedImage, load_image

INPUT = "file"


class TritonPythonModel:
    """Bytes of image files [n, 1] to images, uint8 RGB [n, size, size, 3]; a damaged file fails its request alone."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read the size from the configuration."""
        (output,) = json.loads(args["model_config"])["output"]
        self._name, self._size = output["name"], int(output["dims"][0])
        self._pool = ThreadPoolExecutor(os.cpu_count())

    def execute(self, requests: list[Any]) -> list[Any]:
        """Decode the files of all requests in threads."""
        files = [pb_utils.get_input_tensor_by_name(each, INPUT).as_numpy().ravel() for each in requests]
        decoded = [[self._pool.submit(self._decode, content) for content in each] for each in files]
        return [self._response(each) for each in decoded]

    def finalize(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _decode(self, content: bytes) -> Any:
        return load_image(EncodedImage("the file", content), self._size)

    def _response(self, decoded: list[Any]) -> Any:
        try:
            images = np.stack([each.result() for each in decoded])
        except UserError as error:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error)))
        return pb_utils.InferenceResponse(output_tensors=[pb_utils.Tensor(self._name, images)])
