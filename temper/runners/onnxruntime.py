"""ONNX Runtime on the CPU; makes int8 fast there without changing a value."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper
from onnxruntime.capi import onnxruntime_pybind11_state as status

from temper.errors import UserError
from temper.runners.base import Images, Probabilities, Runner

REFUSALS = (
    status.Fail,
    status.InvalidArgument,
    status.InvalidGraph,
    status.InvalidProtobuf,
    status.NotImplemented,
)
MIDDLE = "middle_of_uint8"


class OnnxRuntimeRunner(Runner):
    """Runs an ONNX file with all graph optimisations."""

    def _load(self) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        try:
            model = str(self.artifact) if self.card.precision != "int8" else _for_x86(self.artifact)
            self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except REFUSALS as error:
            raise UserError(f"{self.artifact} cannot be opened by ONNX Runtime: {error}. Convert it again.") from None
        self._input = self._session.get_inputs()[0].name

    def _run(self, images: Images) -> Probabilities:
        return np.asarray(self._session.run(None, {self._input: images})[0], dtype=np.float32)

    def facts(self) -> Mapping[str, str]:
        """On a CPU fp16 is cast back: ONNX Runtime has no half-precision convolution there."""
        executed = "fp32" if self.card.precision == "fp16" else self.card.precision
        return {"runtime": f"ONNX Runtime {ort.__version__}", "device": "CPU", "executed": executed}


def _for_x86(artifact: Path) -> bytes:
    """The same numbers with uint8 activations, for which ONNX Runtime's x86 kernels are twice as fast.

    An int8 grid with zero point 0 is the uint8 grid with zero point 128 and the same scale. Weights, which are
    constants, stay int8.
    """
    model = onnx.load(artifact)
    graph = model.graph
    constants = {each.name for each in graph.initializer}
    rounded = {
        node.output[0] for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] not in constants
    }
    graph.initializer.append(numpy_helper.from_array(np.array(128, dtype=np.uint8), MIDDLE))
    for node in graph.node:
        rounds = node.op_type == "QuantizeLinear" and node.output[0] in rounded
        restores = node.op_type == "DequantizeLinear" and node.input[0] in rounded
        if rounds or restores:
            node.input[2] = MIDDLE
    return bytes(model.SerializeToString())
