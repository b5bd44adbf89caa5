from pathlib import Path

import keras
import numpy as np
import pytest

from temper.artifact import Artifact
from temper.errors import ArtifactError
from temper.runners.base import Images, Probabilities
from temper.trust.policy import VARIABLE
from tests.train.distillation.stored import LABELS, store
from tests.train.fitting.tiny_fit import network
from train.config import Augmentation
from train.dataset.augmentation import apply_transforms, draw_transforms
from train.distillation.teacher import Teacher, open_teacher, size_of

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return network()


@pytest.fixture
def artifact(model: keras.Model, tmp_path: Path) -> Artifact:
    return store(model, tmp_path / "teacher.keras")


def test_an_opened_teacher_gives_the_probabilities_of_its_model(artifact: Artifact, model: keras.Model) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3), dtype=np.uint8)
    with open_teacher(str(artifact.path), LABELS) as teacher:
        assert teacher
        assert teacher.card.size == size_of(str(artifact.path)) == 32
        assert np.allclose(teacher.predict(pixels), model(pixels, training=False), atol=1e-5)


def test_no_teacher_is_opened_where_none_is_named() -> None:
    with open_teacher("none", LABELS) as teacher:
        assert teacher is None
    assert size_of("none") == 0


@pytest.mark.parametrize("labels", [("cat", "dog", "fox"), ("dog", "cat")])
def test_a_teacher_of_other_labels_or_another_order_is_refused(artifact: Artifact, labels: tuple[str, ...]) -> None:
    with pytest.raises(ArtifactError, match=r"predicts cat, dog, and the images have the labels .* Train a teacher"):
        open_teacher(str(artifact.path), labels)


def test_a_damaged_teacher_is_refused(artifact: Artifact) -> None:
    content = bytearray(artifact.path.read_bytes())
    content[len(content) // 2] ^= 1
    artifact.path.write_bytes(content)
    with pytest.raises(ArtifactError, match="truncated, damaged or replaced"):
        open_teacher(str(artifact.path), LABELS)


def test_a_teacher_without_a_card_is_refused(artifact: Artifact) -> None:
    artifact.card_path.unlink()
    with pytest.raises(ArtifactError, match=r"teacher\.keras"):
        open_teacher(str(artifact.path), LABELS)


def test_a_teacher_without_a_signature_is_refused_where_one_is_required(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(ArtifactError, match="is not signed, and a signature is required"):
        open_teacher(str(artifact.path), LABELS)


@pytest.mark.parametrize("size", [8, 24])
def test_the_teacher_sees_the_view_of_the_student_at_its_own_size(size: int) -> None:
    seen: list[Images] = []

    def predict(images: Images) -> Probabilities:
        seen.append(images)
        return np.full((len(images), 2), 0.5, np.float32)

    pixels = np.random.default_rng(0).integers(0, 255, (6, size, size, 3), dtype=np.uint8)
    rows = np.array([4, 1, 5])
    drawn, own = (draw_transforms(Augmentation(), 3, each, np.random.default_rng(1)) for each in (8, size))
    Teacher(predict=predict, pixels=pixels, student_size=8)(rows, *drawn)
    # Rounding to whole numbers may go either way.
    difference = seen[0].astype(int) - np.asarray(apply_transforms(pixels[rows], *own)).astype(int)
    assert np.abs(difference).max() <= 1
