"""The loss of a student (Hinton et al. 2015, arXiv 1503.02531), and its accuracy.

Targets are [labels | predictions of the teacher] in one array, so that Keras passes both to a loss. The loss is that of
keras.distillation.Distiller with LogitsDistillation, which are not used themselves: a Distiller needs a teacher with
the same input size, ignores sample weights, and would add the teacher's weights to every checkpoint; and
LogitsDistillation without arguments leaves out the softmax in Keras 3.15.
"""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

# The logarithm of a probability that was rounded to zero stays finite; smaller ones are zero on some processors.
EPSILON = 1e-30


def with_teacher(targets: NDArray[np.float32], predictions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Targets, [n, 2 classes], of one-hot labels and the teacher's probabilities, both [n, classes]."""
    return np.concatenate([targets, predictions], axis=1)


class DistillationLoss(keras.losses.Loss):  # type: ignore[misc]
    """(1 - weight) cross-entropy with the labels + weight T² (divergence from the teacher, both at temperature T).

    T² lets both gradients have the same ratio at every temperature. Targets: from `with_teacher`. Labels alone,
    [n, classes], as in validation, give the cross-entropy with them.
    """

    def __init__(self, weight: float, temperature: float, label_smoothing: float = 0.0) -> None:
        super().__init__(name="distillation")
        self._weight, self._temperature, self._label_smoothing = weight, temperature, label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each image, [n], for targets and probabilities [n, classes]."""
        classes = y_pred.shape[-1]
        of_labels = keras.losses.categorical_crossentropy(
            y_true[:, :classes], y_pred, label_smoothing=self._label_smoothing
        )
        if y_true.shape[-1] == classes:
            return of_labels
        of_teacher = self._temperature**2 * self._divergence(y_true[:, classes:], y_pred)
        return (1 - self._weight) * of_labels + self._weight * of_teacher

    def _divergence(self, teacher: Any, student: Any) -> Any:
        """The Kullback-Leibler divergence at the temperature, [n]. From logits: small probabilities are not clipped."""
        teacher_logits, student_logits = (keras.ops.log(p + EPSILON) / self._temperature for p in (teacher, student))
        soft = keras.ops.softmax(teacher_logits, axis=-1)
        with_student, with_itself = (
            keras.losses.categorical_crossentropy(soft, logits, from_logits=True)
            for logits in (student_logits, teacher_logits)
        )
        return with_student - with_itself


def label_accuracy() -> keras.metrics.Metric:
    """The accuracy on the labels, whether or not the teacher's predictions follow them in the targets."""
    return keras.metrics.MeanMetricWrapper(_is_correct, name="accuracy")


def _is_correct(y_true: Any, y_pred: Any) -> Any:
    return keras.metrics.categorical_accuracy(y_true[:, : y_pred.shape[-1]], y_pred)
