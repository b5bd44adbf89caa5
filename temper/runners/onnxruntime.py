"""ONNX Runtime on the CPU; makes int8 fast there without changing a value."""

from collections.abc import Mapping

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as status

from temper.errors import UserError
from temper.runners.base import Images, Probabilities, Runner
from temper.runners.onnx_x86 import for_x86

REFUSALS = (
    status.Fail,
    status.InvalidArgument,
    status.InvalidGraph,
    status.InvalidProtobuf,
    status.NotImplemented,
)


class OnnxRuntimeRunner(Runner):
    """Runs an ONNX file with all graph optimisations."""

    def _load(self) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        try:
            model = str(self.artifact) if self.card.precision != "int8" else for_x86(self.artifact)
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
