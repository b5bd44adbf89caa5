import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from train.distillation.loss import DistillationLoss, label_accuracy, with_teacher

pytestmark = pytest.mark.tensorflow
LABELS = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0]]


def random_probabilities(seed: int) -> NDArray[np.float32]:
    logits = np.random.default_rng(seed).normal(0, 3, LABELS.shape)
    return np.asarray(keras.ops.softmax(logits.astype(np.float32)))


TEACHER, STUDENT = random_probabilities(1), random_probabilities(2)
TARGETS = with_teacher(LABELS, TEACHER)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_loss_is_that_of_the_distiller_of_keras(temperature: float) -> None:
    def fixed(probabilities: NDArray[np.float32]) -> keras.Model:
        """A model that gives the logits of these probabilities for their row numbers."""
        model = keras.Sequential(
            [keras.Input((1,), dtype="int32"), keras.layers.Embedding(5, 4), keras.layers.Flatten()]
        )
        model.set_weights([np.log(probabilities)])
        return model

    distiller = keras.distillation.Distiller(
        teacher=fixed(TEACHER),
        student=fixed(STUDENT),
        distillation_losses=keras.distillation.LogitsDistillation(temperature, keras.losses.KLDivergence()),
        student_loss_weight=0.75,
    )
    distiller.compile(loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    expected = float(distiller.compute_loss(np.arange(5)[:, None], LABELS))
    assert float(DistillationLoss(0.25, temperature)(TARGETS, STUDENT)) == pytest.approx(expected, rel=1e-4)


def test_without_predictions_of_a_teacher_the_loss_is_the_cross_entropy() -> None:
    expected = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)(LABELS, STUDENT)
    assert float(DistillationLoss(0.9, 3.0, 0.1)(LABELS, STUDENT)) == pytest.approx(float(expected))


def test_a_student_that_equals_its_teacher_has_the_loss_zero() -> None:
    assert float(DistillationLoss(1.0, 3.0)(TARGETS, TEACHER)) == pytest.approx(0, abs=1e-5)


def test_the_weights_of_the_images_apply_to_the_teacher_too() -> None:
    loss, only_first = DistillationLoss(1.0, 2.0), np.array([5, 0, 0, 0, 0], np.float32)
    assert float(loss(TARGETS, STUDENT, only_first)) == pytest.approx(float(loss(TARGETS[:1], STUDENT[:1])), rel=1e-5)


def test_a_student_that_is_certain_of_another_label_still_learns() -> None:
    """Probabilities that are rounded to zero have a finite loss and a gradient towards the teacher."""
    logits, teacher = tf.Variable([[40.0, 0.0, -40.0]]), np.array([[0.0, 0.0, 1.0]], np.float32)
    with tf.GradientTape() as tape:
        loss = DistillationLoss(1.0, 1.0)(with_teacher(teacher, teacher), keras.ops.softmax(logits))
    gradient = tape.gradient(loss, logits).numpy()[0]
    assert np.isfinite(float(loss))
    assert np.allclose(gradient, [1, 0, 0], atol=1e-3) or (gradient[0] > 0 > gradient[2])


def test_the_accuracy_is_that_of_the_labels() -> None:
    metric, expected = label_accuracy(), float((STUDENT.argmax(axis=1) == LABELS.argmax(axis=1)).mean())
    for targets in (LABELS, TARGETS):
        metric.reset_state()
        metric.update_state(targets, STUDENT)
        assert float(metric.result()) == pytest.approx(expected)
