"""TensorFlow SavedModel, and TF-TRT's, which is one too."""

from collections.abc import Mapping

import numpy as np

from temper.errors import UserError
from temper.runners.base import Images, Probabilities, Runner
from temper.system.quiet import quiet_stderr

with quiet_stderr():
    import tensorflow as tf


class SavedModelRunner(Runner):
    """Runs the `serve` endpoint that Keras exports."""

    def _load(self) -> None:
        try:
            # The module is kept: its variables live as long as it does.
            self._module = tf.saved_model.load(str(self.artifact))
        except (OSError, ValueError) as error:
            raise UserError(f"{self.artifact} cannot be opened by TensorFlow: {error}. Convert it again.") from None
        self._endpoint = self._module.signatures["serving_default"]
        self._input = next(iter(self._endpoint.structured_input_signature[1]))

    def _run(self, images: Images) -> Probabilities:
        answers = self._endpoint(**{self._input: tf.convert_to_tensor(images)})
        return np.asarray(next(iter(answers.values())), dtype=np.float32)

    def facts(self) -> Mapping[str, str]:
        """TensorFlow computes in the graph's own dtype."""
        device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
        return {"runtime": f"TensorFlow {tf.__version__}", "device": device, "executed": self.card.precision}
