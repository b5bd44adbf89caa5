"""Keras, as its users call it: `predict`, `predict_on_batch`, a `tf.function`, and one compiled by XLA."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from temper.errors import UserError
from temper.quiet import quiet_stderr
from temper.runners.base import Images, Probabilities, Runner

with quiet_stderr():
    import keras
    import tensorflow as tf

Call = Callable[[Images], Probabilities]


class KerasRunner(Runner):
    """Runs a `.keras` file on TensorFlow, on a GPU where TensorFlow sees one."""

    def _load(self) -> None:
        try:
            # Safe mode refuses files that carry code.
            self._model = keras.saving.load_model(self.artifact, compile=False, safe_mode=True)
        except (ValueError, OSError) as error:
            raise UserError(f"{self.artifact} cannot be opened by Keras: {error}. Train it again.") from None
        self._call: Call = getattr(self, f"_{self.mode.replace('.', '_').lower()}")()

    def _run(self, images: Images) -> Probabilities:
        return self._call(images)

    def facts(self) -> Mapping[str, str]:
        """TensorFlow computes in the model's own dtype."""
        device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
        return {
            "runtime": f"Keras {keras.__version__} on TensorFlow {tf.__version__}",
            "device": device,
            "executed": str(self._model.compute_dtype).replace("float", "fp"),
        }

    def _predict(self) -> Call:
        return lambda images: np.asarray(self._model.predict(images, verbose=0), dtype=np.float32)

    def _predict_on_batch(self) -> Call:
        return lambda images: np.asarray(self._model.predict_on_batch(images), dtype=np.float32)

    def _tf_function(self, jit_compile: bool = False) -> Call:
        size = self.card.size
        signature = [tf.TensorSpec((None, size, size, 3), tf.uint8)]

        @tf.function(input_signature=signature, jit_compile=jit_compile)  # type: ignore[untyped-decorator]
        def compiled(images: Any) -> Any:
            return self._model(images, training=False)

        return lambda images: np.asarray(compiled(tf.convert_to_tensor(images)), dtype=np.float32)

    def _xla(self) -> Call:
        call = self._tf_function(jit_compile=True)
        try:
            # XLA compiles at the first call of each batch size: here it shows whether it can.
            call(np.zeros((1, self.card.size, self.card.size, 3), dtype=np.uint8))
        except tf.errors.OpError as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"XLA does not compile {self.artifact}: {reason}. Use the mode tf.function.") from None
        return call
