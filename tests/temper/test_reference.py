import os
from pathlib import Path
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from temper.artifact import Artifact
from temper.card import FileReference
from temper.errors import ArtifactError
from temper.reference import MAX_GOLDEN_BYTES, Golden, read_golden, read_reference, write_golden, write_reference
from temper.storage.digest import sha256_of


@pytest.fixture
def onnx(bundle: Path) -> Artifact:
    return Artifact.at(bundle).sibling("fp32", ".onnx")


def test_a_converted_artifact_has_sixteen_golden_images_and_their_probabilities(onnx: Artifact) -> None:
    golden = read_golden(onnx)
    assert golden.images.shape == (16, 16, 16, 3)
    assert golden.probabilities.shape == (16, 2)
    assert len(golden.files) == 16


def test_golden_predictions_are_read_as_they_were_written(onnx: Artifact) -> None:
    images, probabilities = np.zeros((2, 16, 16, 3), np.uint8), np.full((2, 2), 0.5, np.float32)
    golden = write_golden(onnx.path.with_name("model.golden.npz"), Golden(images, probabilities, ("a/b", "c/d")))
    stored = read_golden(Artifact.with_card(onnx.path, onnx.card.changed(golden=golden)))
    assert np.array_equal(stored[0], images) and np.array_equal(stored[1], probabilities)
    assert stored.files == ("a/b", "c/d")


@pytest.mark.parametrize("content", [b"", b"other"])
def test_missing_or_changed_golden_predictions_are_refused(onnx: Artifact, content: bytes) -> None:
    assert onnx.card.golden
    stored = onnx.path.with_name(onnx.card.golden.file)
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


def test_golden_predictions_are_named_by_their_content(onnx: Artifact) -> None:
    golden = read_golden(onnx)
    probabilities = golden.probabilities
    again = write_golden(onnx.path.with_name("model.golden.npz"), golden)
    other = write_golden(onnx.path.with_name("model.golden.npz"), golden._replace(probabilities=1 - probabilities))
    assert again == onnx.card.golden != other
    assert again.file == f"model.golden.{again.sha256[:8]}.npz"
    assert read_golden(onnx)[1].tolist() == probabilities.tolist()
    assert not onnx.path.with_name("model.golden.npz").exists()


def test_the_former_name_of_golden_predictions_is_readable(onnx: Artifact) -> None:
    assert onnx.card.golden
    former = onnx.path.with_name(onnx.card.golden.file).rename(onnx.path.with_name("model.golden.npz"))
    card = onnx.card.changed(golden=FileReference(former.name, onnx.card.golden.sha256))
    assert len(read_golden(Artifact.with_card(onnx.path, card))[0]) == 16


IMAGES, HALVES = np.zeros((2, 16, 16, 3), np.uint8), np.full((2, 2), 0.5, np.float32)


@pytest.mark.parametrize(
    ("images", "probabilities"),
    [
        (IMAGES[:, :8], HALVES),
        (IMAGES.astype(np.float32), HALVES),
        (IMAGES[:0], HALVES[:0]),
        (IMAGES, HALVES[:1]),
        (IMAGES, HALVES[:, :1]),
        (IMAGES, HALVES * np.nan),
        (IMAGES, HALVES.astype(np.uint8)),
    ],
)
def test_golden_predictions_of_another_model_are_refused(
    onnx: Artifact, images: NDArray[np.uint8], probabilities: NDArray[np.float32]
) -> None:
    golden = write_golden(onnx.path.with_name("model.golden.npz"), Golden(images, probabilities))
    with pytest.raises(ArtifactError, match=r"does not contain golden predictions of model\.fp32\.onnx"):
        read_golden(Artifact.with_card(onnx.path, onnx.card.changed(golden=golden)))


def test_damaged_golden_predictions_whose_hash_is_right_are_refused(onnx: Artifact) -> None:
    path = onnx.path.with_name("model.golden.npz")
    path.write_bytes(b"x")
    card = onnx.card.changed(golden=FileReference(path.name, sha256_of(path)))
    with pytest.raises(ArtifactError, match="does not contain golden predictions"):
        read_golden(Artifact.with_card(onnx.path, card))


def test_a_damaged_reference_is_none_or_right(bundle: Path) -> None:
    path, model = bundle.with_name("model.reference.npz"), Artifact.at(bundle)
    intact, expected, random = path.read_bytes(), read_reference(model), Random(0)
    assert expected is not None
    for number in range(150):
        content = bytearray(intact)
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        path.write_bytes(content if number % 2 else content[: random.randrange(len(content))])
        stored = read_reference(model)
        assert stored is None or np.array_equal(stored, expected)


@pytest.mark.parametrize("values", [np.zeros(16), np.zeros((16, 3)), np.full((16, 2), np.inf), np.zeros((16, 2), int)])
def test_a_reference_of_another_shape_is_not_read(bundle: Path, values: NDArray[np.float32]) -> None:
    write_reference(Artifact.at(bundle), values)
    assert read_reference(Artifact.at(bundle)) is None


def test_a_file_that_is_one_array_is_no_reference(bundle: Path) -> None:
    with bundle.with_name("model.reference.npz").open("wb") as stream:
        np.save(stream, np.zeros((16, 2)))
    assert read_reference(Artifact.at(bundle)) is None


def test_golden_predictions_that_expand_to_gigabytes_are_refused_before_they_do(onnx: Artifact) -> None:
    path = onnx.path.with_name("model.golden.npz")
    np.savez_compressed(path, images=np.zeros(MAX_GOLDEN_BYTES + 1, np.uint8), probabilities=HALVES)
    assert path.stat().st_size < 1 << 20
    card = onnx.card.changed(golden=FileReference(path.name, sha256_of(path)))
    with pytest.raises(ArtifactError, match="does not contain golden predictions"):
        read_golden(Artifact.with_card(onnx.path, card))


def test_golden_predictions_in_a_file_of_gigabytes_are_not_read(onnx: Artifact, tmp_path: Path) -> None:
    path = onnx.path.with_name("model.golden.npz")
    with path.open("wb") as stream:
        stream.truncate(1 << 36)
    card = onnx.card.changed(golden=FileReference(path.name, "0" * 64))
    with pytest.raises(ArtifactError, match="no golden predictions"):
        read_golden(Artifact.with_card(onnx.path, card))


def test_of_very_large_images_as_many_are_stored_as_can_be_read(onnx: Artifact) -> None:
    side = 2048
    images = np.zeros((16, side, side, 3), np.uint8)
    golden = Golden(images, np.full((16, 2), 0.5, np.float32), tuple("abcdefghijklmnop"))
    card = onnx.card.changed(golden=write_golden(onnx.path.with_name("model.golden.npz"), golden), size=side)
    stored = read_golden(Artifact.with_card(onnx.path, card))
    assert stored.files == tuple("abcde") and len(stored.images) == 5


def test_a_pipe_in_place_of_golden_predictions_or_of_the_reference_does_not_block(bundle: Path, onnx: Artifact) -> None:
    assert onnx.card.golden
    for path in (onnx.path.with_name(onnx.card.golden.file), bundle.with_name("model.reference.npz")):
        path.unlink()
        os.mkfifo(path)
    assert read_reference(onnx) is None
    with pytest.raises(ArtifactError, match="no golden predictions"):
        read_golden(onnx)
