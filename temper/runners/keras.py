"""Keras, as its users call it: `predict`, `predict_on_batch`, a `tf.function`, and one compiled by XLA.

On TensorFlow where it is installed, else on JAX or PyTorch: a `.keras` file runs on any of Keras' backends.
"""

import os
from collections.abc import Callable, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from temper.errors import MissingRuntime, UserError
from temper.runners.base import Images, Probabilities, Runner
from temper.system.quiet import quiet_stderr

BACKENDS = ("tensorflow", "jax", "torch")
# Keras itself falls back on nothing; and JAX would take three quarters of a GPU that others use too.
os.environ.setdefault("KERAS_BACKEND", next((name for name in BACKENDS if find_spec(name)), "tensorflow"))
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
with quiet_stderr():
    import keras

    BACKEND = keras.backend.backend()
    if BACKEND == "tensorflow":
        import tensorflow as tf

        for _gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(_gpu, True)
    elif BACKEND == "jax":
        import jax
    else:
        import torch

Call = Callable[[Images], Probabilities]


class KerasRunner(Runner):
    """Runs a `.keras` file, on a GPU where Keras' backend sees one."""

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
        """Keras computes in the model's own dtype."""
        return {
            "runtime": f"Keras {keras.__version__} on {BACKEND} {version(BACKEND)}",
            "device": "GPU" if _sees_gpu() else "CPU",
            "executed": str(self._model.compute_dtype).replace("float", "fp"),
        }

    def _predict(self) -> Call:
        return lambda images: np.asarray(self._model.predict(images, verbose=0), dtype=np.float32)

    def _predict_on_batch(self) -> Call:
        return lambda images: np.asarray(self._model.predict_on_batch(images), dtype=np.float32)

    def _tf_function(self, jit_compile: bool = False) -> Call:
        if BACKEND != "tensorflow":
            raise MissingRuntime(
                f"A tf.function needs TensorFlow, and Keras runs on {BACKEND} here. Install it:\n"
                "    pip install -r requirements.txt"
            )
        size = self.card.size
        signature = [tf.TensorSpec((None, size, size, 3), tf.uint8)]

        @tf.function(input_signature=signature, jit_compile=jit_compile)  # type: ignore[untyped-decorator]
        def compiled(images: Any) -> Any:
            return self._model(images, training=False)

        return lambda images: np.asarray(compiled(tf.convert_to_tensor(images)), dtype=np.float32)

    def _xla(self) -> Call:
        if BACKEND == "jax":
            return self._jax_jit()
        call = self._tf_function(jit_compile=True)
        try:
            # XLA compiles at the first call of each batch size: here it shows whether it can.
            call(np.zeros((1, self.card.size, self.card.size, 3), dtype=np.uint8))
        except tf.errors.OpError as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"XLA does not compile {self.artifact}: {reason}. Use the mode tf.function.") from None
        return call

    def _jax_jit(self) -> Call:
        model = self._model
        trained = [[each.value for each in some] for some in (model.trainable_variables, model.non_trainable_variables)]

        @jax.jit  # type: ignore[untyped-decorator]
        def compiled(trained: Any, images: Any) -> Any:
            return model.stateless_call(*trained, images, training=False)[0]

        return lambda images: np.asarray(compiled(trained, images), dtype=np.float32)


def _sees_gpu() -> bool:
    if BACKEND == "tensorflow":
        return bool(tf.config.list_physical_devices("GPU"))
    return bool(jax.default_backend() == "gpu" if BACKEND == "jax" else torch.cuda.is_available())
