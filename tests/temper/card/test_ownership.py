from pathlib import Path

import pytest

from temper.artifact import Artifact
from temper.card import Card, write_card
from temper.errors import ArtifactError
from tests import tiny


@pytest.fixture
def target(tmp_path: Path) -> Artifact:
    return Artifact.at(tmp_path / "mine.xml")


def own(target: Artifact) -> Artifact:
    """Write an artifact with its card."""
    for file in target.files:
        file.write_bytes(b"content")
    write_card(target.path, Card(labels=tiny.LABELS, size=tiny.SIZE))
    return target


def test_nothing_and_an_artifact_with_its_card_may_be_replaced(target: Artifact) -> None:
    target.refuse_foreign()
    own(target).refuse_foreign()


def test_an_artifact_whose_files_are_missing_may_be_replaced(target: Artifact) -> None:
    for file in own(target).files:
        file.unlink()
    target.refuse_foreign()


@pytest.mark.parametrize("name", ["mine.xml", "mine.bin", "mine.md"])
@pytest.mark.parametrize("force", [False, True])
def test_a_file_without_a_card_is_refused(target: Artifact, name: str, force: bool) -> None:
    target.path.with_name(name).write_text("five years")
    with pytest.raises(ArtifactError, match=r"has no card beside it.*Move it away, or name another target"):
        target.refuse_foreign(target.path.with_name("mine.md"), force=force)


@pytest.mark.parametrize("name", ["mine.xml", "mine.bin", "mine.xml.json", "mine.md"])
@pytest.mark.parametrize("kind", ["folder", "link", "dangling link"])
def test_a_folder_or_a_link_where_a_file_belongs_is_refused_although_there_is_a_card(
    target: Artifact, name: str, kind: str
) -> None:
    own(target)
    path = target.path.with_name(name)
    moved = path.rename(path.with_name("moved")) if path.exists() else target.path
    path.mkdir() if kind == "folder" else path.symlink_to(moved if kind == "link" else "nowhere")
    with pytest.raises(ArtifactError, match=f"{name} is (not a file|a symbolic link)"):
        target.refuse_foreign(target.path.with_name("mine.md"), force=True)
    assert path.is_dir() or path.is_symlink()


def test_a_file_where_a_folder_belongs_is_refused(tmp_path: Path) -> None:
    target = Artifact.at(tmp_path / "mine.savedmodel")
    target.path.mkdir()
    write_card(target.path, Card(labels=tiny.LABELS, size=tiny.SIZE))
    target.refuse_foreign()
    target.path.rmdir()
    target.path.write_text("five years")
    with pytest.raises(ArtifactError, match="is not a folder"):
        target.refuse_foreign(force=True)


@pytest.mark.parametrize("card", ["", "{", "my own data", "[" * 100_000])
def test_a_damaged_card_is_replaced_with_its_artifact_by_force_only(target: Artifact, card: str) -> None:
    target.card_path.write_text(card)
    for force in (False, True):
        with pytest.raises(ArtifactError, match="unknown whether Temper made"):
            target.refuse_foreign(force=force)
    target.path.write_bytes(b"")
    with pytest.raises(ArtifactError, match="or replace both with --force"):
        target.refuse_foreign()
    target.refuse_foreign(force=True)


@pytest.mark.parametrize("card", ["[]", '{"labels": 1}', '"text"'])
def test_json_that_is_no_card_is_refused_even_by_force(target: Artifact, card: str) -> None:
    target.path.write_bytes(b"")
    target.card_path.write_text(card)
    with pytest.raises(ArtifactError, match="Temper did not make it"):
        target.refuse_foreign(force=True)
