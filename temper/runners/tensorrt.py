"""TensorRT and TensorRT-RTX on an NVIDIA GPU."""

import importlib
from collections.abc import Mapping
from types import ModuleType

import numpy as np

from temper.errors import MissingRuntime, UserError
from temper.gpu import find_gpu
from temper.runners.base import Images, Probabilities, Runner

INSTALL = "pip install -r requirements-gpu.txt"


class TensorRtRunner(Runner):
    """Runs a plan: pinned buffers, one stream, asynchronous copies."""

    def _load(self) -> None:
        gpu = find_gpu()
        if not gpu:
            # Asked before TensorRT is imported: without a GPU it crashes instead of failing.
            raise MissingRuntime(
                f"{self.artifact} runs on an NVIDIA GPU, and there is none here (no driver answers). The ONNX file it "
                f"was made from gives the same answers on any CPU:\n    --engine {self._onnx()}"
            )
        trt = self._import()
        try:
            from temper.runners.cuda import Device
        except ModuleNotFoundError as error:
            raise MissingRuntime(f"{self.artifact} needs CUDA's Python bindings ({error}):\n    {INSTALL}") from None
        # The context comes first: TensorRT loads a plan into the one that is current.
        self._device = Device()
        self._logger = trt.Logger(trt.Logger.ERROR)
        self._engine = trt.Runtime(self._logger).deserialize_cuda_engine(self.artifact.read_bytes())
        if self._engine is None:
            made = {**self.card.made_on, **self.card.made_with}
            raise UserError(
                f"{self.artifact} was built on {made.get('gpu', 'another GPU')} and TensorRT {trt.__version__} does "
                f"not load it on {gpu.name}. An engine runs only where it was built. Build it here:\n"
                f"    make convert PRECISION={self.card.precision}"
            )
        self._trt = trt
        self._context = self._engine.create_execution_context()
        largest = self.card.batch[2] if self.card.batch else 1
        size, classes = self.card.size, len(self.card.labels)
        self._images = self._device.buffer((largest, size, size, 3), np.dtype(np.uint8))
        self._answers = self._device.buffer((largest, classes), np.dtype(np.float32))
        self._names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        self._context.set_tensor_address(self._names[0], self._images.address)
        self._context.set_tensor_address(self._names[1], self._answers.address)

    def _run(self, images: Images) -> Probabilities:
        n = len(images)
        self._images.host[:n] = images
        self._context.set_input_shape(self._names[0], images.shape)
        self._device.upload(self._images, n)
        if not self._context.execute_async_v3(self._device.stream):
            raise UserError(f"TensorRT could not run {self.artifact} on {n} pictures. Build it again: make convert")
        self._device.download(self._answers, n)
        self._device.synchronize()
        return np.array(self._answers.host[:n])

    def facts(self) -> Mapping[str, str]:
        """The graph is strongly typed: what the card says is what was compiled."""
        runtime = f"{self._trt.__name__} {self._trt.__version__}"
        return {"runtime": runtime, "device": gpu.name if (gpu := find_gpu()) else "", "executed": self.card.precision}

    def close(self) -> None:
        """Free the device's memory; the engine goes before its buffers."""
        del self._context, self._engine
        self._device.close()

    def _import(self) -> ModuleType:
        name = "tensorrt_rtx" if "tensorrt_rtx" in self.card.made_with else "tensorrt"
        try:
            return importlib.import_module(name)
        except ImportError as error:
            raise MissingRuntime(
                f"{self.artifact} was built by {name}, which is not here ({error}):\n    {INSTALL}"
            ) from None

    def _onnx(self) -> str:
        return str(self.artifact.with_name(self.card.made_from.get("file", self.artifact.with_suffix(".onnx").name)))
