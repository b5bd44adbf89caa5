"""TensorFlow SavedModel, and TF-TRT, which is stored as one."""

import contextlib
from functools import lru_cache
from typing import Any

import numpy as np

from temper.runners.base import Images, Probabilities, Runner, RuntimeInfo, Shape
from temper.system.quiet import quiet_stderr


@lru_cache(maxsize=1)
def import_tensorflow() -> Any:
    """The module tensorflow, without its messages, and with GPU memory that is allocated as it is needed."""
    with quiet_stderr():
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            # A program that has used the GPU before has made this decision itself.
            with contextlib.suppress(RuntimeError):
                tf.config.experimental.set_memory_growth(gpu, True)
    return tf


class SavedModelRunner(Runner):
    """Runs the `serving_default` signature, which Keras exports."""

    def _load(self) -> None:
        self._tf = import_tensorflow()
        # The module is stored: its variables live as long as it does.
        self._module = self._tf.saved_model.load(str(self.content.copy()))
        self._endpoint = self._module.signatures["serving_default"]
        self._input = next(iter(self._endpoint.structured_input_signature[1]))

    def _run(self, images: Images) -> Probabilities:
        outputs = self._endpoint(**{self._input: self._tf.convert_to_tensor(images)})
        return np.asarray(next(iter(outputs.values())), dtype=np.float32)

    def shapes(self) -> tuple[Shape, Shape]:
        """Shapes of the signature's input and output."""
        images = self._endpoint.structured_input_signature[1][self._input].shape
        probabilities = next(iter(self._endpoint.structured_outputs.values())).shape
        return images.as_list()[1:], probabilities.as_list()[1:]

    def runtime_info(self) -> RuntimeInfo:
        """TensorFlow computes in the graph's own dtype."""
        device = "GPU" if self._tf.config.list_physical_devices("GPU") else "CPU"
        return RuntimeInfo(runtime=f"TensorFlow {self._tf.__version__}", device=device, executed=self.card.precision)
