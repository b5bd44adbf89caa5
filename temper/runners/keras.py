"""Keras, in the ways that its users call it: `predict`, `predict_on_batch`, a `tf.function`, and XLA.

On TensorFlow where it is installed, else on JAX or PyTorch: a `.keras` file runs on every backend of Keras.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from temper.errors import ArtifactError, IncompatibleMachine, MissingRuntime
from temper.formats import KERAS_BACKENDS
from temper.runners.base import Images, Probabilities, Runner, RuntimeInfo, Shape
from temper.runners.checks.keras_file import check_keras_file, check_layers, read_configuration
from temper.runners.saved_model import import_tensorflow
from temper.system.quiet import quiet_stderr

TF_FUNCTION = "tf.function"
Call = Callable[[Images], Probabilities]


@lru_cache(maxsize=1)
def import_keras() -> Any:
    """The module keras, on the backend that KERAS_BACKEND names, else on the first of KERAS_BACKENDS there is."""
    backend = next((name for name in KERAS_BACKENDS if find_spec(name)), KERAS_BACKENDS[0])
    os.environ.setdefault("KERAS_BACKEND", backend)
    # JAX would reserve three quarters of a GPU that others use too.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    with quiet_stderr():
        import keras
    if keras.backend.backend() == "tensorflow":
        import_tensorflow()
    return keras


def open_model(path: Path, named: Path | None = None) -> Any:
    """The Keras model in a file that nobody changes meanwhile. Raises ArtifactError when Keras cannot open it.

    named: the path in messages, where the file is a copy.
    """
    named = named or path
    try:
        return load_keras_file(path, named)
    except (ValueError, OSError) as error:
        raise ArtifactError(
            f"{named} cannot be opened by Keras: {str(error).rstrip('.')}", fix="Train it again."
        ) from None


def load_keras_file(path: Path, named: Path) -> Any:
    """The Keras model in a `.keras` file that nobody changes meanwhile.

    Raises ArtifactError for what Keras does not write and for layers with more weights than the file has, and what
    Keras raises.
    """
    values = check_keras_file(path, named)
    check_layers(count_weights(read_configuration(path)), values, named)
    # Safe mode refuses files that contain code.
    return import_keras().saving.load_model(path, compile=False, safe_mode=True)


def count_weights(config: dict[str, Any]) -> int:
    """How many weights the layers of a configuration have, without memory for them. Raises what Keras raises.

    In a thread of its own, whose state ends with it: Keras keeps a list of the variables that it has not initialized,
    and would initialize them some time later.
    """
    keras = import_keras()

    def count() -> int:
        with keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object(config, safe_mode=True)
        number: int = model.count_params()
        return number

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(count).result()


class KerasRunner(Runner):
    """Runs a `.keras` file, on a GPU where Keras' backend has one. Each mode of its format has a method of its name."""

    def _load(self) -> None:
        self._backend: str = import_keras().backend.backend()
        self._model = open_model(self.content.copy(), self.artifact.path)
        modes = [each for each in self.artifact.format.modes if self._backend == "tensorflow" or each != TF_FUNCTION]
        self.mode = self.mode or modes[0]
        self._call: Call = getattr(self, f"_{self.mode.lower().replace('.', '_')}")()

    def _run(self, images: Images) -> Probabilities:
        return np.asarray(self._call(images), dtype=np.float32)

    def shapes(self) -> tuple[Shape, Shape]:
        """Shapes of the model's input and output."""
        return self._model.input_shape[1:], self._model.output_shape[1:]

    def runtime_info(self) -> RuntimeInfo:
        """Keras computes in the model's own dtype."""
        return RuntimeInfo(
            runtime=f"Keras {version('keras')} on {self._backend} {version(self._backend)}",
            device="GPU" if _has_gpu(self._backend) else "CPU",
            executed=str(self._model.compute_dtype).replace("float", "fp"),
        )

    def _predict(self) -> Call:
        return lambda images: self._model.predict(images, verbose=0)

    def _predict_on_batch(self) -> Call:
        return lambda images: self._model.predict_on_batch(images)

    def _tf_function(self, jit_compile: bool = False) -> Call:
        if self._backend != "tensorflow":
            raise MissingRuntime(
                f"the mode {self.mode} needs TensorFlow, and Keras runs on {self._backend} here",
                fix="Use the mode predict, or install TensorFlow:\n    pip install tensorflow",
            )
        tf, size = import_tensorflow(), self.card.size
        signature = [tf.TensorSpec((None, size, size, 3), tf.uint8)]

        @tf.function(input_signature=signature, jit_compile=jit_compile)  # type: ignore[untyped-decorator]
        def compiled(images: Any) -> Any:
            return self._model(images, training=False)

        return lambda images: compiled(tf.convert_to_tensor(images))

    def _xla(self) -> Call:
        if self._backend == "jax":
            return self._jax_jit()
        call, tf = self._tf_function(jit_compile=True), import_tensorflow()
        try:
            # XLA compiles at the first call of each batch size: this call shows whether it can.
            call(np.zeros((1, self.card.size, self.card.size, 3), dtype=np.uint8))
        except tf.errors.OpError as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise IncompatibleMachine(
                f"XLA does not compile {self.artifact.path}: {reason}", fix=f"Use the mode {TF_FUNCTION}."
            ) from None
        return call

    def _jax_jit(self) -> Call:
        import jax

        model = self._model
        weights = [[each.value for each in some] for some in (model.trainable_variables, model.non_trainable_variables)]

        @jax.jit  # type: ignore[untyped-decorator]
        def compiled(weights: Any, images: Any) -> Any:
            return model.stateless_call(*weights, images, training=False)[0]

        return lambda images: compiled(weights, images)


def _has_gpu(backend: str) -> bool:
    if backend == "tensorflow":
        return bool(import_tensorflow().config.list_physical_devices("GPU"))
    if backend == "jax":
        import jax

        return bool(jax.default_backend() == "gpu")
    import torch

    return bool(torch.cuda.is_available())
