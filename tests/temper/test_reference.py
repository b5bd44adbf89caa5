from pathlib import Path

import numpy as np
import pytest

from temper.artifact import Artifact
from temper.errors import ArtifactError
from temper.reference import read_golden, read_reference, write_golden, write_reference


@pytest.fixture
def onnx(bundle: Path) -> Artifact:
    return Artifact.at(bundle).sibling("fp32", ".onnx")


def test_a_converted_artifact_has_sixteen_golden_images_and_their_probabilities(onnx: Artifact) -> None:
    images, probabilities = read_golden(onnx)
    assert images.shape == (16, 16, 16, 3)
    assert probabilities.shape == (16, 2)


def test_golden_predictions_are_read_as_they_were_written(onnx: Artifact) -> None:
    images, probabilities = np.zeros((2, 16, 16, 3), np.uint8), np.full((2, 2), 0.5, np.float32)
    golden = write_golden(onnx.path.with_name("model.golden.npz"), images, probabilities)
    stored = read_golden(Artifact.with_card(onnx.path, onnx.card.changed(golden=golden)))
    assert np.array_equal(stored[0], images) and np.array_equal(stored[1], probabilities)


@pytest.mark.parametrize("content", [b"", b"other"])
def test_missing_or_changed_golden_predictions_are_refused(onnx: Artifact, content: bytes) -> None:
    stored = onnx.path.with_name("model.golden.npz")
    stored.write_bytes(content) if content else stored.unlink()
    with pytest.raises(ArtifactError, match="no golden predictions"):
        read_golden(onnx)


def test_a_card_that_names_no_golden_predictions_is_refused(bundle: Path) -> None:
    with pytest.raises(ArtifactError, match="its card names none"):
        read_golden(Artifact.at(bundle))


def test_the_reference_is_read_for_the_model_and_for_what_was_converted_from_it(bundle: Path, onnx: Artifact) -> None:
    of_model, of_onnx = read_reference(Artifact.at(bundle)), read_reference(onnx)
    assert of_model is not None and of_onnx is not None
    assert of_model.shape == (16, 2) and np.array_equal(of_model, of_onnx)


def test_the_reference_of_another_model_is_not_read(bundle: Path) -> None:
    model = Artifact.at(bundle)
    assert read_reference(Artifact.with_card(bundle, model.card.changed(sha256="0" * 64))) is None
    write_reference(model, np.zeros((16, 2), np.float32))
    stored = read_reference(model)
    assert stored is not None and not stored.any()
    bundle.with_name("model.reference.npz").unlink()
    assert read_reference(model) is None
