"""Artifacts whose publication was interrupted, for those who read them next."""

import contextlib
import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from temper.artifact import Artifact
from temper.card import Card, read_card, write_card
from temper.errors import ArtifactError
from temper.storage.publish import journal_of, publish
from tests import tiny
from tests.temper.storage.killed import Killed, killed_after


@pytest.fixture
def interrupted(bundle: Path) -> tuple[Artifact, Card]:
    """An artifact whose publication ended after its first file had moved, and the new card."""
    artifact = Artifact.at(bundle.with_name("model.fp32.onnx"))
    scratch = bundle.parent / "scratch"
    scratch.mkdir()
    draft = scratch / artifact.name
    draft.write_bytes(artifact.path.read_bytes() + b"\n")
    new = artifact.card.changed(sha256=Artifact.at(draft).sha256(), confidence_threshold=0.9)
    write_card(draft, new)
    with killed_after(2), contextlib.suppress(Killed):
        publish(scratch, artifact.path)
    assert read_card(artifact.path) != new
    assert journal_of(artifact.path).is_dir()
    return Artifact.at(artifact.path), new


@pytest.mark.parametrize("read", [lambda each: each.card, lambda each: each.verified().card])
def test_a_reader_completes_a_publication(interrupted: tuple[Artifact, Card], read: Callable[[Artifact], Card]) -> None:
    artifact, new = interrupted
    assert read(artifact) == new
    assert not journal_of(artifact.path).exists()
    assert Artifact.at(artifact.path).verified().card.labels == tiny.LABELS


def test_a_writer_of_the_card_completes_a_publication_first(interrupted: tuple[Artifact, Card]) -> None:
    artifact, new = interrupted
    write_card(artifact.path, new.changed(confidence_threshold=0.1))
    assert Artifact.at(artifact.path).verified().card.confidence_threshold == 0.1


def test_whether_an_artifact_exists_counts_what_is_not_moved_yet_and_moves_nothing(
    interrupted: tuple[Artifact, Card],
) -> None:
    artifact, _ = interrupted
    artifact.card_path.unlink()
    assert artifact.exists
    assert not artifact.card_path.exists()
    artifact.path.unlink()
    assert not artifact.exists
    assert journal_of(artifact.path).is_dir()


def test_a_reader_that_must_not_write_names_the_interrupted_publication(
    interrupted: tuple[Artifact, Card], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    artifact, new = interrupted
    monkeypatch.setattr(Path, "replace", read_only)
    with pytest.raises(ArtifactError, match=r"was interrupted and cannot be completed here \(Permission denied\)"):
        artifact.verified()
    assert artifact.exists
    monkeypatch.undo()
    assert artifact.verified().card == new
