"""OpenVINO on the CPU."""

from collections.abc import Mapping

import numpy as np
import openvino as ov

from temper.errors import UserError
from temper.runners.base import Images, Probabilities, Runner

EXECUTED = {"f32": "fp32", "f16": "fp16", "bf16": "bf16"}


class OpenVinoRunner(Runner):
    """Runs an OpenVINO IR (`.xml` with its `.bin`), tuned for latency."""

    def _load(self) -> None:
        options = {"PERFORMANCE_HINT": "LATENCY"}
        if self.card.precision == "fp32":
            # On CPUs with AVX512-BF16 OpenVINO would run an fp32 model in bf16 without a word.
            options["INFERENCE_PRECISION_HINT"] = "f32"
        try:
            self._compiled = ov.Core().compile_model(str(self.artifact), "CPU", options)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise UserError(f"{self.artifact} cannot be opened by OpenVINO: {reason}. Convert it again.") from None
        self._request = self._compiled.create_infer_request()

    def _run(self, images: Images) -> Probabilities:
        # The request owns its output: the next call overwrites it.
        return np.array(self._request.infer([images], share_inputs=True)[0], dtype=np.float32)

    def facts(self) -> Mapping[str, str]:
        """The precision is read back from the compiled model: its hint decides what is executed."""
        rest = str(self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name())
        executed = EXECUTED.get(rest, rest)
        if self.card.precision == "int8":
            executed = f"int8, rest {executed}"
        return {"runtime": f"OpenVINO {ov.__version__.split('-')[0]}", "device": "CPU", "executed": executed}
