import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from temper.artifact import MAX_UNCHECKED_BYTES, Artifact
from temper.card import Card, Provenance, card_path, write_card
from temper.errors import ArtifactError
from temper.formats import FORMATS, Format, suffixes
from tests import tiny


@pytest.fixture
def artifact(bundle: Path) -> Artifact:
    return Artifact.at(bundle.with_name("model.fp32.onnx"))


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.suffix)
def test_the_suffix_decides_the_format(each: Format) -> None:
    assert Artifact.at(f"artifacts/model.int8{each.suffix}").format is each


@pytest.mark.parametrize("name", ["model.engine", "model", "model.onnx.rejected", "model.onnx.json"])
def test_an_unknown_suffix_is_an_error_that_lists_the_known_ones(name: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        Artifact.at(name)
    assert ", ".join(suffixes()) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("model.keras", "model"),
        ("model.int8.plan", "model"),
        ("model.fp32.savedmodel", "model"),
        ("pets.v2.fp16.onnx", "pets.v2"),
        ("mine.onnx", "mine"),
    ],
)
def test_names_are_made_from_the_name_of_the_model(name: str, model: str) -> None:
    artifact = Artifact.with_card(Path("artifacts") / name, Card(labels=tiny.LABELS, size=8))
    assert (artifact.name, artifact.model_name) == (name, model)
    assert artifact.model().path == Path("artifacts") / f"{model}.keras"
    assert artifact.sibling("int8", ".onnx").path == Path("artifacts") / f"{model}.int8.onnx"
    assert artifact.beside(".split.csv") == Path("artifacts") / f"{model}.split.csv"


def test_companions_belong_to_the_files(tmp_path: Path) -> None:
    assert Artifact.at(tmp_path / "model.int8.xml").files == [tmp_path / "model.int8.xml", tmp_path / "model.int8.bin"]
    assert Artifact.at(tmp_path / "model.int8.onnx").files == [tmp_path / "model.int8.onnx"]


def test_equal_paths_are_equal_artifacts_with_equal_hashes() -> None:
    assert len({Artifact.at("model.onnx"), Artifact.at(Path("model.onnx")), Artifact.at("model.plan")}) == 2


def test_the_card_is_read_once(artifact: Artifact) -> None:
    card = artifact.card
    artifact.card_path.unlink()
    assert artifact.card is card
    assert card.labels == tiny.LABELS


def test_an_artifact_that_is_being_built_has_a_card_before_its_file_has(tmp_path: Path) -> None:
    card = Card(labels=("cat", "dog"), size=8)
    artifact = Artifact.with_card(tmp_path / "model.onnx", card)
    assert artifact.card is card
    assert not artifact.exists


def test_an_artifact_exists_with_its_card_only(artifact: Artifact) -> None:
    assert artifact.exists
    artifact.card_path.unlink()
    assert not artifact.exists


def test_an_intact_artifact_is_verified(artifact: Artifact) -> None:
    assert artifact.verified() is artifact


def test_a_truncated_artifact_is_refused(artifact: Artifact) -> None:
    artifact.path.write_bytes(artifact.path.read_bytes()[:-100])
    with pytest.raises(ArtifactError, match="truncated, damaged or replaced"):
        artifact.verified()


def test_one_flipped_bit_is_refused(artifact: Artifact) -> None:
    content = bytearray(artifact.path.read_bytes())
    content[len(content) // 2] ^= 1
    artifact.path.write_bytes(content)
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        artifact.verified()


def test_a_missing_companion_is_named(bundle: Path, artifact: Artifact) -> None:
    network = bundle.with_name("model.xml")
    shutil.copy(artifact.path, network)
    shutil.copy(artifact.card_path, card_path(network))
    with pytest.raises(ArtifactError, match=r"model\.bin is missing: model\.xml needs it beside it"):
        Artifact.at(network).verified()


def test_a_missing_artifact_or_card_is_an_error(artifact: Artifact, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="does not exist"):
        Artifact.at(tmp_path / "none.onnx").verified()
    artifact.card_path.unlink()
    with pytest.raises(ArtifactError, match="has no card"):
        artifact.verified()


def test_a_folder_is_verified_by_all_its_files(tmp_path: Path) -> None:
    artifact = Artifact.at(tmp_path / "model.savedmodel")
    (artifact.path / "variables").mkdir(parents=True)
    (artifact.path / "graph.pb").write_bytes(b"graph")
    (artifact.path / "variables" / "data").write_bytes(b"weights")
    write_card(artifact.path, Card(labels=("cat", "dog"), size=8, sha256=artifact.sha256()))
    assert artifact.verified().bytes == len(b"graphweights")
    (artifact.path / "variables" / "data").write_bytes(b"other weights")
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        artifact.verified()


def test_the_hash_covers_the_companions(tmp_path: Path) -> None:
    artifact = Artifact.at(tmp_path / "model.xml")
    for file in artifact.files:
        file.write_text(file.suffix)
    first = artifact.sha256()
    artifact.files[1].write_text("other weights")
    assert artifact.sha256() != first
    assert artifact.bytes == len(".xml") + len("other weights")


@pytest.fixture
def network(tmp_path: Path) -> Artifact:
    """An OpenVINO artifact whose card is not written yet."""
    artifact = Artifact.at(tmp_path / "model.xml")
    for file in artifact.files:
        file.write_text(f"content of {file.suffix}")
    return artifact


def test_a_byte_that_moves_from_the_network_to_its_companion_is_detected(network: Artifact) -> None:
    write_card(network.path, Card(labels=("cat", "dog"), size=8, sha256=network.sha256()))
    first, second = network.files
    content = first.read_bytes()
    first.write_bytes(content[:-1])
    second.write_bytes(content[-1:] + second.read_bytes())
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        Artifact.at(network.path).verified()


def test_a_card_with_the_former_hash_of_several_files_is_verified(network: Artifact) -> None:
    former = hashlib.sha256(b"".join(file.read_bytes() for file in network.files)).hexdigest()
    assert former != network.sha256()
    write_card(network.path, Card(labels=("cat", "dog"), size=8, sha256=former))
    assert Artifact.at(network.path).verified().card.sha256 == former


def test_an_artifact_that_is_published_again_while_it_is_verified_is_the_new_one(artifact: Artifact) -> None:
    before = artifact.card
    artifact.path.write_bytes(artifact.path.read_bytes() + b"\n")
    new = before.changed(sha256=Artifact.at(artifact.path).sha256(), confidence_threshold=0.9)
    write_card(artifact.path, new)
    assert artifact.card == before
    assert artifact.verified().card == new


def test_a_file_that_vanishes_while_it_is_verified_is_an_artifact_error(artifact: Artifact) -> None:
    assert artifact.card
    artifact.path.unlink()
    with pytest.raises(ArtifactError, match=r"model\.fp32\.onnx is missing"):
        artifact.check()


def test_companions_belong_to_an_artifact_with_a_card(artifact: Artifact) -> None:
    beside = artifact.path.with_name("model.md")
    beside.write_text("five years")
    artifact.refuse_foreign(beside)
    artifact.card_path.unlink()
    with pytest.raises(ArtifactError, match=r"Name another one\.$"):
        Artifact.at(artifact.path).refuse_foreign(beside, fix="Name another one.")


def test_the_content_that_is_read_is_that_of_the_card(artifact: Artifact, network: Artifact) -> None:
    assert [bytes(each.view) for each in artifact.read()] == [artifact.path.read_bytes()]
    write_card(network.path, Card(labels=("cat", "dog"), size=8, sha256=network.sha256()))
    assert [bytes(each.view) for each in network.read()] == [b"content of .xml", b"content of .bin"]


def test_content_that_is_not_that_of_the_card_is_not_returned(artifact: Artifact, tmp_path: Path) -> None:
    artifact.path.write_bytes(artifact.path.read_bytes() + b"\n")
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        artifact.read()
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        artifact.copy_to(tmp_path / "copy")


def test_a_large_file_that_is_not_that_of_the_card_is_not_read_to_memory(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    with artifact.path.open("r+b") as stream:
        stream.truncate(MAX_UNCHECKED_BYTES + 1)
    monkeypatch.setattr("temper.artifact.read_hashed", None)
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        artifact.read()


def test_a_copy_is_checked_with_its_companions(network: Artifact, tmp_path: Path) -> None:
    write_card(network.path, Card(labels=("cat", "dog"), size=8, sha256=network.sha256()))
    copied = Artifact.at(network.copy_to(tmp_path / "copy"))
    assert [each.read_bytes() for each in copied.files] == [each.read_bytes() for each in network.files]


def test_the_former_hash_is_accepted_for_cards_of_version_0_1_alone(network: Artifact, tmp_path: Path) -> None:
    former = hashlib.sha256(b"".join(file.read_bytes() for file in network.files)).hexdigest()
    card = Card(labels=("cat", "dog"), size=8, sha256=former)
    write_card(network.path, card)
    assert len(Artifact.at(network.path).read()) == 2
    assert Artifact.at(network.path).copy_to(tmp_path / "copy").is_file()
    write_card(network.path, card.changed(provenance=Provenance(temper="0.2.0")))
    for use in (Artifact.read, Artifact.verified, lambda each: each.copy_to(tmp_path / "other")):
        with pytest.raises(ArtifactError, match="SHA-256 differs"):
            use(Artifact.at(network.path))


def test_a_pipe_in_place_of_an_artifact_is_refused_and_does_not_block(artifact: Artifact) -> None:
    card = artifact.card
    artifact.path.unlink()
    os.mkfifo(artifact.path)
    for use in (Artifact.read, Artifact.verified):
        with pytest.raises(ArtifactError, match="is not a regular file"):
            use(Artifact.with_card(artifact.path, card))


@pytest.mark.parametrize("use", [Artifact.read, Artifact.check, Artifact.sha256])
def test_an_error_of_the_system_names_the_file(artifact: Artifact, use: Callable[[Artifact], object]) -> None:
    card = artifact.card
    artifact.path.unlink()
    artifact.path.symlink_to(artifact.path.name)
    with pytest.raises(ArtifactError, match=r"model\.fp32\.onnx cannot be read \(Too many levels of symbolic links\)"):
        use(Artifact.with_card(artifact.path, card))
