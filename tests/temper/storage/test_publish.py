import contextlib
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from temper.artifact import Artifact
from temper.card import Card, read_card, write_card
from temper.storage.publish import finish_publication, journal_of, publish
from tests import tiny

FILES = {"model.xml": "graph", "model.bin": "weights", "model.xml.json": "card"}
FOLDER = {"model.savedmodel/graph.pb": "graph", "model.savedmodel/variables/data": "w", "model.savedmodel.json": "card"}
SETS = {"files": FILES, "folder": FOLDER}
# More steps than a publication of either set has.
MAX_STEPS = 8


class Killed(BaseException):
    """Stands for the end of the process: no handler of the code under test may catch it."""


@contextlib.contextmanager
def killed_after(steps: int) -> Iterator[list[str]]:
    """Raise Killed at the next change of the file system after so many; yields what was done."""
    done: list[str] = []

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if len(done) == steps:
                raise Killed
            done.append(original.__name__)
            return original(*arguments, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", counted(Path.replace))
        patch.setattr(Path, "rmdir", counted(Path.rmdir))
        patch.setattr(shutil, "rmtree", counted(shutil.rmtree))
        yield done


def written(folder: Path, files: dict[str, str], version: str) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{version} {text}")
    return folder


def content(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def version_of(folder: Path, files: dict[str, str]) -> str:
    """The version of a complete set with nothing beside it; fails for a mixture."""
    there = content(folder)
    version = there[next(iter(files))].split()[0]
    assert there == {name: f"{version} {text}" for name, text in files.items()}
    assert not list(folder.glob(".*"))
    return version


@pytest.fixture(params=SETS)
def files(request: pytest.FixtureRequest) -> dict[str, str]:
    return SETS[request.param]


@pytest.fixture
def folder(tmp_path: Path, files: dict[str, str]) -> Path:
    """A folder with the old set."""
    (tmp_path / "artifacts").mkdir()
    return written(tmp_path / "artifacts", files, "old")


def publish_set(folder: Path, files: dict[str, str], version: str) -> Path:
    """Publish a version; returns the path that names the group."""
    scratch = folder.with_name(f"scratch {version}")
    target = folder / next(iter(files)).partition("/")[0]
    publish(written(scratch, files, version), target)
    return target


def test_the_new_set_replaces_the_old_one(folder: Path, files: dict[str, str]) -> None:
    publish_set(folder, files, "new")
    assert version_of(folder, files) == "new"
    assert not folder.with_name("scratch new").exists()


def test_a_first_publication_needs_no_old_set(tmp_path: Path, files: dict[str, str]) -> None:
    (tmp_path / "artifacts").mkdir()
    publish_set(tmp_path / "artifacts", files, "new")
    assert version_of(tmp_path / "artifacts", files) == "new"


def test_other_files_are_not_touched(folder: Path, files: dict[str, str]) -> None:
    (folder / "other.txt").write_text("other")
    publish_set(folder, files, "new")
    assert content(folder).pop("other.txt") == "other"


def test_a_file_of_the_old_set_that_the_new_one_lacks_stays(folder: Path, files: dict[str, str]) -> None:
    """Only names in the new set are replaced; who publishes fewer files removes the others."""
    publish(written(folder.with_name("scratch"), {"model.txt": "only"}, "new"), folder / "model.txt")
    assert content(folder).pop("model.txt") == "new only"
    assert len(content(folder)) == len(files) + 1


@pytest.mark.parametrize("steps", range(MAX_STEPS))
def test_a_kill_at_any_step_leaves_the_old_set_or_the_new_one(folder: Path, files: dict[str, str], steps: int) -> None:
    target = folder / next(iter(files)).partition("/")[0]
    with killed_after(steps) as done, contextlib.suppress(Killed):
        publish_set(folder, files, "new")
    finish_publication(target)
    assert version_of(folder, files) == ("new" if done else "old")
    assert len(done) < MAX_STEPS


@pytest.mark.parametrize("first", range(1, 6))
@pytest.mark.parametrize("second", range(5))
def test_a_kill_during_the_completion_leaves_the_new_set(
    folder: Path, files: dict[str, str], first: int, second: int
) -> None:
    target = folder / next(iter(files)).partition("/")[0]
    with killed_after(first), contextlib.suppress(Killed):
        publish_set(folder, files, "new")
    with killed_after(second), contextlib.suppress(Killed):
        finish_publication(target)
    finish_publication(target)
    assert version_of(folder, files) == "new"


@pytest.mark.parametrize("steps", range(MAX_STEPS))
def test_another_publisher_completes_the_first_and_then_replaces_it(
    folder: Path, files: dict[str, str], steps: int
) -> None:
    with killed_after(steps), contextlib.suppress(Killed):
        publish_set(folder, files, "first")
    publish_set(folder, files, "second")
    assert version_of(folder, files) == "second"


def test_publishers_and_readers_at_the_same_time_leave_one_complete_set(folder: Path, files: dict[str, str]) -> None:
    target = folder / next(iter(files)).partition("/")[0]
    errors: list[BaseException] = []

    def run(action: Callable[[int], object]) -> None:
        try:
            for number in range(15):
                action(number)
        except BaseException as error:
            errors.append(error)

    actions: list[Callable[[int], object]] = [
        lambda number: publish_set(folder, files, f"a{number}"),
        lambda number: publish_set(folder, files, f"b{number}"),
        lambda number: finish_publication(target),
    ]
    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert version_of(folder, files) in ("a14", "b14")


def test_without_locks_a_publication_works(
    folder: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows and some network file systems have none."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    publish_set(folder, files, "new")
    assert version_of(folder, files) == "new"


def test_a_scratch_folder_that_cannot_be_moved_leaves_the_old_set(folder: Path, files: dict[str, str]) -> None:
    with pytest.raises(OSError, match="scratch"):
        publish(folder.with_name("no scratch"), folder / "model.xml")
    assert version_of(folder, files) == "old"


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


def test_whether_an_artifact_exists_is_decided_after_its_publication(interrupted: tuple[Artifact, Card]) -> None:
    artifact, _ = interrupted
    artifact.path.unlink()
    assert not artifact.exists
    assert not journal_of(artifact.path).exists()
