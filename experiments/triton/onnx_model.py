"""A Python model of Triton that runs model.onnx with ONNX Runtime; stands in for the backend of Triton."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found]


class TritonPythonModel:
    """Images, uint8 RGB [n, size, size, 3], to probabilities; requests are joined to one batch."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the file beside this one."""
        config = json.loads(args["model_config"])
        self._input, self._output = config["input"][0]["name"], config["output"][0]["name"]
        path = Path(args["model_repository"], args["model_version"], "model.onnx")
        options = ort.SessionOptions()
        options.intra_op_num_threads = int(config["parameters"]["intra_op_thread_count"]["string_value"])
        options.log_severity_level = 3
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def execute(self, requests: list[Any]) -> list[Any]:
        """Predict the images of all requests in one call."""
        images = [pb_utils.get_input_tensor_by_name(each, self._input).as_numpy() for each in requests]
        (probabilities,) = self._session.run(None, {self._input: np.concatenate(images)})
        ends = np.cumsum([len(each) for each in images])[:-1]
        return [
            pb_utils.InferenceResponse(output_tensors=[pb_utils.Tensor(self._output, each)])
            for each in np.split(probabilities, ends)
        ]
