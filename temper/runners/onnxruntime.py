"""ONNX Runtime on the CPU; makes int8 fast there without changing a value."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as status

from temper.errors import UserError
from temper.runners.base import Images, Probabilities, Runner
from temper.storage.cache import cache_key, get_cached, keep
from temper.system.host import describe_processor

REFUSALS = (
    status.Fail,
    status.InvalidArgument,
    status.InvalidGraph,
    status.InvalidProtobuf,
    status.NotImplemented,
)
# As onnx_x86 writes it; importing that here would import onnx.
KERNELS = "temper.kernels"
REWRITER = Path(__file__).with_name("onnx_x86.py")


class OnnxRuntimeRunner(Runner):
    """Runs an ONNX file with all graph optimisations. An int8 one is rewritten and optimised once, and kept so."""

    def _load(self) -> None:
        try:
            int8 = self.card.precision == "int8"
            self._session = self._open_int8() if int8 else _open(str(self.artifact))
        except REFUSALS as error:
            raise UserError(f"{self.artifact} cannot be opened by ONNX Runtime: {error}. Convert it again.") from None
        self._input = self._session.get_inputs()[0].name

    def _open_int8(self) -> ort.InferenceSession:
        # What ONNX Runtime makes of a graph depends on its version and on the processor.
        library = f"{ort.__version__} {ort.get_build_info()}"
        key = cache_key(self.card.sha256, library, describe_processor(), REWRITER.read_text(encoding="utf-8"))
        kept = get_cached(key, ".onnx") or keep(key, ".onnx", self._optimise)
        return _open(str(kept), optimise=False) if kept else _open(self._rewrite())

    def _rewrite(self) -> bytes:
        # Only here: importing onnx takes as long as ONNX Runtime itself.
        from temper.runners.onnx_x86 import rewrite_for_x86

        return rewrite_for_x86(self.artifact)

    def _optimise(self, target: Path) -> None:
        from temper.runners.onnx_x86 import annotate_kernel_counts

        try:
            _open(self._rewrite(), target=str(target))
            annotate_kernel_counts(target)
        except REFUSALS as error:
            # A full disk among them; a bad model is told of when it is opened without a cache.
            raise OSError(str(error)) from None

    def _run(self, images: Images) -> Probabilities:
        return np.asarray(self._session.run(None, {self._input: images})[0], dtype=np.float32)

    def facts(self) -> Mapping[str, str]:
        """On a CPU fp16 is cast back, for lack of half-precision kernels; of int8 the kernels that run are counted."""
        known = self._session.get_modelmeta().custom_metadata_map
        executed = known.get(KERNELS, "int8, as asked") if self.card.precision == "int8" else "fp32"
        return {"runtime": f"ONNX Runtime {ort.__version__}", "device": "CPU", "executed": executed}


def _open(model: str | bytes, optimise: bool = True, target: str = "") -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    if target:
        options.optimized_model_filepath = target
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
