"""ONNX Runtime on the CPU, or with onnxruntime-gpu on an NVIDIA GPU. Int8 is rewritten for x86, which makes it fast."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as status

from temper.runners.base import Images, Probabilities, Runner, RuntimeInfo, Shape
from temper.runners.checks.failures import reason_of
from temper.runners.checks.onnx_file import check_onnx
from temper.runners.onnx_metadata import KERNELS
from temper.runners.ort.providers import (
    CPU,
    ENGINE_BATCH,
    RECORD_NODES,
    TENSORRT,
    TITLES,
    Provider,
    executed_on_gpu,
    gpu_provider,
    is_for_gpus,
)
from temper.storage.cache import cache_key, get_cached, store
from temper.storage.memory_file import MemoryFile
from temper.system.host import describe_processor

LOGGER = logging.getLogger("temper.runners.onnxruntime")
LOAD_ERRORS = (
    status.Fail,
    status.InvalidArgument,
    status.InvalidGraph,
    status.InvalidProtobuf,
    status.NotImplemented,
)
# How long an idle thread waits without sleeping: longer than between two layers, shorter than between two images. By
# default threads wait for tens of milliseconds, and take them from the threads that decode.
SPIN_MICROSECONDS = "1000"
# What decides a rewritten graph, besides the file: the code that rewrites, and what that imports of this project.
REWRITERS = [
    Path(__file__).parent / name for name in ("onnx_x86.py", "onnx_metadata.py", "ort/pixels.py", "ort/graph.py")
]


def open_session(
    model: str | bytes,
    level: ort.GraphOptimizationLevel = ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    target: str = "",
    provider: Provider | None = None,
    spins: bool = True,
) -> ort.InferenceSession:
    """A session for an ONNX file or its bytes.

    target: where the optimized graph is written, if anywhere. provider: of a GPU, which runs what it can; the rest, and
    everything without it, runs on the CPU. spins: whether threads that wait for each other stay active: a single image
    takes less time, and many take more CPU time.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 3
    # Otherwise the content decides, and ONNX Runtime's own format is not checked.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN_MICROSECONDS)
    options.graph_optimization_level = level
    if not spins:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if provider:
        options.add_session_config_entry(RECORD_NODES, "1")
    if target:
        options.optimized_model_filepath = target
    # Otherwise it prints an error to stdout, and opens the file again.
    providers = [provider, CPU] if provider else [CPU]
    session = ort.InferenceSession(model, options, providers=providers, enable_fallback=0)
    # It would hold the bytes for as long as it lives.
    session._model_bytes = None
    return session


class OnnxRuntimeRunner(Runner):
    """Runs an ONNX file with all graph optimizations. An int8 file is rewritten and optimized once, then cached."""

    def _load(self) -> None:
        self._device, self._executed, self._max_batch = "CPU", "", 0
        if not is_for_gpus() or not self._open_on_gpu():
            self._session = self._open_int8() if self.card.precision == "int8" else self._open()
        self._input = self._session.get_inputs()[0].name

    def _open_on_gpu(self) -> bool:
        """Whether a provider executes any of the file; a library that it lacks, such as cuDNN, is no failure."""
        # A package without providers for GPUs does not look for one.
        from temper.system.environment import detect_environment

        environment = detect_environment()
        provider = gpu_provider(self.card, environment)
        if not provider or not environment.gpu:
            return False
        name, reason = provider[0], ""
        try:
            self._session = self._open(provider)
            self._executed = executed_on_gpu(self._session, name, self.card.precision)
        except status.EPFail as error:
            reason = f" ({reason_of(error)})"
        if not self._executed:
            LOGGER.warning(
                "%s: ONNX Runtime's provider for %s does not start here%s; the CPU is used",
                self.artifact.path, TITLES[name], reason,
            )  # fmt: skip
            return False
        self._max_batch = ENGINE_BATCH.max if name == TENSORRT else 0
        self._device = environment.gpu.name
        return True

    def _open(self, provider: Provider | None = None) -> ort.InferenceSession:
        file = self._read()
        # TensorRT's provider names its cached engines after the path, which differs from process to process.
        return open_session(bytes(file.view) if provider else _source(file), provider=provider)

    def _open_int8(self) -> ort.InferenceSession:
        # The optimized graph depends on ONNX Runtime's version and on the processor.
        library = f"{ort.__version__} {ort.get_build_info()}"
        key = cache_key(
            self.card.sha256, library, describe_processor(), *(each.read_text(encoding="utf-8") for each in REWRITERS)
        )
        optimized = get_cached(key, ".onnx")
        # What is cached was made of the bytes that the card describes; those that are there now are read by a thread.
        self.content.check()
        if optimized := optimized or store(key, ".onnx", self._optimize):
            return open_session(_source(optimized), ort.GraphOptimizationLevel.ORT_DISABLE_ALL)
        return open_session(self._rewrite())

    def _read(self) -> MemoryFile:
        (file,) = self.content.read()
        check_onnx(file.view, self.artifact.path)
        return file

    def _rewrite(self) -> bytes:
        # Imported only here: importing onnx takes as long as importing ONNX Runtime itself.
        from temper.runners.onnx_x86 import rewrite_for_x86

        return rewrite_for_x86(bytes(self._read().view))

    def _optimize(self, target: Path) -> None:
        from temper.runners.onnx_x86 import annotate_kernel_counts

        try:
            open_session(self._rewrite(), target=str(target))
            annotate_kernel_counts(target)
        except LOAD_ERRORS as error:
            # Such as a full disk. A damaged model is reported when it is opened without the cache.
            raise OSError(str(error)) from None

    def _run(self, images: Images) -> Probabilities:
        return np.asarray(self._session.run(None, {self._input: images})[0], dtype=np.float32)

    def _batches(self, images: Images) -> Iterator[Images]:
        # An engine fails with more images than it was built for.
        largest = self._max_batch or len(images)
        return (images[start : start + largest] for start in range(0, len(images), largest))

    def shapes(self) -> tuple[Shape, Shape]:
        """Shapes of the network's input and output."""
        return self._session.get_inputs()[0].shape[1:], self._session.get_outputs()[0].shape[1:]

    def runtime_info(self) -> RuntimeInfo:
        """A CPU has no half-precision kernels, so fp16 is executed in fp32. The executed int8 kernels are counted."""
        executed = self._executed or "fp32"
        if self.card.precision == "int8" and not self._executed:
            executed = self._session.get_modelmeta().custom_metadata_map.get(KERNELS, "int8, not counted")
        return RuntimeInfo(runtime=f"ONNX Runtime {ort.__version__}", device=self._device, executed=executed)


def _source(file: MemoryFile) -> str | bytes:
    """What a session is opened from: it copies bytes twice, and a file once."""
    return file.path or bytes(file.view)
