"""OpenVINO on the CPU."""

import io
import threading
from functools import cache
from pathlib import Path

import numpy as np

from temper.runners.base import Images, Probabilities, Runner, RuntimeInfo, Shape
from temper.storage.cache import cache_key, get_cached, store
from temper.storage.memory_file import MemoryFile
from temper.system.host import describe_processor
from temper.system.late_import import left_out

# Half of its import; OpenVINO does without these tools where they are not installed.
with left_out("openvino.tools.ovc", names=("convert_model",)):
    import openvino as ov

# OpenVINO recognizes other formats by their content; an ONNX file could name further files.
XML_STARTS = (b"<?xml", b"<net")
PRECISIONS = {"f32": "fp32", "f16": "fp16", "bf16": "bf16"}


@cache
def process_core() -> ov.Core:
    """The only core of the process, which is never destroyed.

    A core replaces the signal stack of its thread and restores the previous one when it is destroyed (OpenVINO 2026.4).
    When two cores are destroyed in the order of their creation, the second restores the stack of the first, which has
    been freed: the next Ctrl-C would be a segmentation fault.
    """
    return ov.Core()


class OpenVinoRunner(Runner):
    """Runs an OpenVINO IR (`.xml` with its `.bin`), tuned for latency. An int8 one is compiled once, then cached.

    Every thread has a request of its own: one that runs refuses another call.
    """

    def _load(self) -> None:
        self._options = {"PERFORMANCE_HINT": "LATENCY"}
        if self.card.precision == "fp32":
            # On CPUs with AVX512-BF16, OpenVINO would silently execute an fp32 model in bf16.
            self._options["INFERENCE_PRECISION_HINT"] = "f32"
        self._core = process_core()
        self._compiled = self._open_int8() if self.card.precision == "int8" else self._compile()
        self._requests = threading.local()
        # The memory of a request is taken here, not at the first call.
        self._requests.own = self._compiled.create_infer_request()

    def _open_int8(self) -> ov.CompiledModel:
        key = cache_key(self.card.sha256, ov.__version__, describe_processor(), str(self._options))
        compiled = get_cached(key, ".blob")
        # What is cached was made of the bytes that the card describes; those that are there now are read by a thread.
        self.content.check()
        compiled = compiled or store(key, ".blob", self._export)
        return self._import(compiled) if compiled else self._compile()

    def _import(self, compiled: MemoryFile) -> ov.CompiledModel:
        self._weights = np.frombuffer(compiled.view, np.uint8)
        try:
            return self._core.import_model(ov.Tensor(self._weights, shared_memory=True), "CPU", self._options)
        except TypeError:
            # Before 2026.0 it takes streams alone, and copies them.
            return self._core.import_model(io.BytesIO(compiled.view), "CPU", self._options)

    def _export(self, target: Path) -> None:
        compiled = io.BytesIO()
        self._compile().export_model(compiled)
        target.write_bytes(compiled.getbuffer())

    def _compile(self) -> ov.CompiledModel:
        network, weights = (file.view for file in self.content.read())
        if not bytes(network[:5]).startswith(XML_STARTS):
            raise RuntimeError("it is not an OpenVINO network")
        # The compiled network reads them too, so they live as long as the runner.
        self._weights = np.frombuffer(weights, np.uint8)
        model = self._core.read_model(bytes(network), ov.Tensor(self._weights, shared_memory=True))
        return self._core.compile_model(model, "CPU", self._options)

    def _run(self, images: Images) -> Probabilities:
        try:
            request = self._requests.own
        except AttributeError:
            request = self._requests.own = self._compiled.create_infer_request()
        # The request owns its output, and the next call overwrites it: this copies.
        return np.array(request.infer([images], share_inputs=True)[0], dtype=np.float32)

    def shapes(self) -> tuple[Shape, Shape]:
        """Shapes of the network's input and output."""
        both = (self._compiled.input(0).partial_shape, self._compiled.output(0).partial_shape)
        images, probabilities = ([each.get_length() if each.is_static else None for each in shape] for shape in both)
        return images[1:], probabilities[1:]

    def runtime_info(self) -> RuntimeInfo:
        """The precision is read back from the compiled model: its hint decides what is executed."""
        hint = str(self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name())
        executed = PRECISIONS.get(hint, hint)
        if self.card.precision == "int8":
            executed = f"int8, rest {executed}"
        return RuntimeInfo(runtime=f"OpenVINO {ov.__version__.split('-')[0]}", device="CPU", executed=executed)
