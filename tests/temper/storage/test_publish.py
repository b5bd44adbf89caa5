import contextlib
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from temper.errors import ArtifactError
from temper.storage.publish import finish_publication, journal_of, publish, remove_when_published
from tests.temper.storage.killed import Killed, killed_after

FILES = {"model.xml": "graph", "model.bin": "weights", "model.xml.json": "card"}
FOLDER = {"model.savedmodel/graph.pb": "graph", "model.savedmodel/variables/data": "w", "model.savedmodel.json": "card"}
SETS = {"files": FILES, "folder": FOLDER}
# More steps than a publication of either set has.
MAX_STEPS = 9


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


@pytest.fixture(params=[*SETS, "folder without exchange"])
def files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    name, _, can_exchange = request.param.partition(" ")
    if can_exchange:
        # Some file systems have none; patched where the count of `killed_after` sees it too.
        monkeypatch.setattr("temper.storage.publish.exchange", lambda *_: False)
        monkeypatch.setattr("tests.temper.storage.killed.exchange", lambda *_: False)
    return SETS[name]


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
    """Only names in the new set are replaced; who publishes fewer files marks the others."""
    publish(written(folder.with_name("scratch"), {"model.txt": "only"}, "new"), folder / "model.txt")
    assert content(folder).pop("model.txt") == "new only"
    assert len(content(folder)) == len(files) + 1


@pytest.mark.parametrize("steps", range(MAX_STEPS + 2))
def test_a_marked_file_disappears_with_the_old_set(folder: Path, files: dict[str, str], steps: int) -> None:
    """Whatever interrupts the publication, and for a file that was never there too."""
    (folder / "model.extra.csv").write_text("old extra")
    scratch, target = folder.with_name("scratch new"), folder / next(iter(files)).partition("/")[0]
    scratch.mkdir()
    remove_when_published(scratch / "model.extra.csv")
    remove_when_published(scratch / "model.never.csv")
    with killed_after(steps) as done, contextlib.suppress(Killed):
        publish_set(folder, files, "new")
    finish_publication(target)
    assert (folder / "model.extra.csv").exists() == (not done)
    (folder / "model.extra.csv").unlink(missing_ok=True)
    assert version_of(folder, files) == ("new" if done else "old")


def test_a_marked_folder_or_link_stays(folder: Path, files: dict[str, str]) -> None:
    (folder / "thesis").mkdir()
    (folder / "link.csv").symlink_to(folder / next(iter(files)))
    scratch = folder.with_name("scratch new")
    scratch.mkdir()
    remove_when_published(scratch / "thesis")
    remove_when_published(scratch / "link.csv")
    publish_set(folder, files, "new")
    assert (folder / "thesis").is_dir()
    assert (folder / "link.csv").is_symlink()


@pytest.mark.parametrize("steps", range(MAX_STEPS))
def test_a_kill_at_any_step_leaves_the_old_set_or_the_new_one(folder: Path, files: dict[str, str], steps: int) -> None:
    target = folder / next(iter(files)).partition("/")[0]
    with killed_after(steps) as done, contextlib.suppress(Killed):
        publish_set(folder, files, "new")
    finish_publication(target)
    assert version_of(folder, files) == ("new" if done else "old")
    assert len(done) < MAX_STEPS


@pytest.mark.parametrize("first", range(1, 8))
@pytest.mark.parametrize("second", range(7))
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


def test_files_have_the_permissions_of_new_files(folder: Path, files: dict[str, str]) -> None:
    """Some libraries write their files for the owner alone, or for fewer than the user's umask allows."""
    scratch = written(folder.with_name("scratch"), files, "new")
    for file in scratch.rglob("*"):
        if file.is_file():
            file.chmod(0o600)
    publish(scratch, folder / next(iter(files)).partition("/")[0])
    (folder / "by hand").touch()
    expected = (folder / "by hand").stat().st_mode
    assert {path.stat().st_mode for path in folder.rglob("*") if path.is_file()} == {expected}


def test_the_journal_is_on_the_disk_before_the_first_file_moves(
    folder: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = folder / next(iter(files)).partition("/")[0]
    flushed: list[set[str]] = []

    def flush_folder(path: Path) -> None:
        if path == folder:
            flushed.append({each.name for each in journal_of(target).glob("*")})

    monkeypatch.setattr("temper.storage.publish.flush_folder", flush_folder)
    publish_set(folder, files, "new")
    assert flushed[0] >= {name.partition("/")[0] for name in files}
    assert flushed[1] == set()


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


def test_a_file_replaces_no_folder_and_a_folder_no_file(folder: Path, files: dict[str, str]) -> None:
    name = next(iter(files)).partition("/")[0]
    is_folder = (folder / name).is_dir()
    shutil.rmtree(folder / name) if is_folder else (folder / name).unlink()
    thesis = folder / name if is_folder else folder / name / "thesis.txt"
    thesis.parent.mkdir(exist_ok=True)
    thesis.write_text("five years")
    with pytest.raises(ArtifactError, match=rf"{name} is a {'file' if is_folder else 'folder'}"):
        publish_set(folder, files, "new")
    assert thesis.read_text() == "five years"
    assert not journal_of(folder / name).exists()


def test_a_folder_that_appears_during_an_interruption_stays(folder: Path, files: dict[str, str]) -> None:
    target = folder / next(iter(files)).partition("/")[0]
    card = folder / f"{target.name}.json"
    with killed_after(1), contextlib.suppress(Killed):
        publish_set(folder, files, "new")
    card.unlink()
    card.mkdir()
    with pytest.raises(ArtifactError, match="is a folder, and a file is published"):
        finish_publication(target)
    card.rmdir()
    finish_publication(target)
    assert version_of(folder, files) == "new"
