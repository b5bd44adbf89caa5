"""What a runtime loads is what was checked, whatever happens to the files meanwhile."""

import importlib
import shutil
import stat
import threading
from pathlib import Path

import numpy as np
import pytest

from temper.artifact import Artifact
from temper.card import Card, Precision
from temper.errors import ArtifactError
from temper.runners.base import Images
from temper.runners.content import Content
from temper.runners.load import load_runner, open_runner
from temper.storage.digest import former_sha256_of, sha256_of
from temper.storage.memory_file import MemoryFile
from tests import tiny

IMAGES: Images = np.random.default_rng(5).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(params=[".onnx fp32", ".xml fp32", ".onnx int8", ".xml int8"])
def artifact(request: pytest.FixtureRequest, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Artifact:
    """An artifact of each runtime that takes bytes, and an empty cache."""
    suffix, precision = request.param.split()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return build(bundle, precision, suffix)


def build(bundle: Path, precision: Precision, suffix: str) -> Artifact:
    pipeline = tiny.pipeline_of(bundle, calibration_method="max")
    return pipeline.build(Artifact.at(bundle).sibling(precision, suffix), precision)


def test_files_that_are_replaced_after_the_check_are_not_loaded(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_runner(artifact) as runner:
        expected = runner.predict(IMAGES)

    def check(self: Artifact) -> None:
        real_check(self)
        damage(self)

    def read(self: Artifact) -> tuple[MemoryFile, ...]:
        contents = real_read(self)
        damage(self)
        return contents

    real_check, real_read = Artifact.check, Artifact.read
    monkeypatch.setattr(Artifact, "check", check)
    monkeypatch.setattr(Artifact, "read", read)
    with open_runner(Artifact.at(artifact.path)) as runner:
        assert np.array_equal(runner.predict(IMAGES), expected)
    with pytest.raises(ArtifactError):
        Artifact.at(artifact.path).verified()


def damage(artifact: Artifact) -> None:
    """Replace the files and overwrite the old ones, which someone may have mapped to memory."""
    for file in artifact.files:
        with file.open("r+b") as stream:
            stream.write(bytes(file.stat().st_size))
        file.unlink()
        file.write_bytes(b"other")


def test_files_that_are_not_those_of_the_card_reach_no_runtime(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in artifact.files:
        intact = file.read_bytes()
        file.write_bytes(intact[:-1] + bytes([intact[-1] ^ 1]))
        with pytest.raises(ArtifactError, match="SHA-256 differs"):
            load_runner(Artifact.at(artifact.path))
        file.write_bytes(intact)


def test_an_artifact_that_is_published_again_while_it_is_opened_is_the_new_one(bundle: Path) -> None:
    onnx = Artifact.at(bundle).sibling("fp32", ".onnx")
    assert onnx.card
    tiny.pipeline_of(bundle).build(Artifact.at(onnx.path), "fp32", force=False)
    content = onnx.path.read_bytes()
    onnx.path.write_bytes(content + b"\x40\x01")
    new = tiny.with_card(onnx.path)
    with open_runner(onnx) as runner:
        assert runner.card.sha256 == new.card.sha256


def test_a_byte_that_moved_to_the_companion_is_refused_where_it_was_loaded_before(bundle: Path) -> None:
    artifact = build(bundle, "fp32", ".xml")
    former = former_sha256_of(*artifact.files)
    network, weights = artifact.files
    content = network.read_bytes()
    network.write_bytes(content[:-1])
    weights.write_bytes(content[-1:] + weights.read_bytes())
    assert former_sha256_of(*artifact.files) == former
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        open_runner(Artifact.at(artifact.path))


def test_a_thread_reads_the_files_while_the_runtime_is_imported(
    artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runtime's module waits here for the end of the reading, which would never come if it began later."""
    has_read = threading.Event()
    real_read, real_import = Artifact.read, importlib.import_module

    def read(self: Artifact) -> tuple[MemoryFile, ...]:
        contents = real_read(self)
        has_read.set()
        return contents

    def import_module(name: str) -> object:
        assert has_read.wait(timeout=30)
        return real_import(name)

    monkeypatch.setattr(Artifact, "read", read)
    monkeypatch.setattr("temper.runners.load.importlib.import_module", import_module)
    with open_runner(artifact) as runner:
        assert runner.content.is_checked


@pytest.mark.parametrize("method", ["read", "copy", "check"])
def test_what_was_read_ahead_is_used_and_checked(method: str, bundle: Path) -> None:
    artifact = Artifact.at(bundle).sibling("fp32", ".onnx")
    _ = artifact.card
    with Content(artifact) as content:
        content.read_ahead()
        artifact_bytes = artifact.path.read_bytes()
        content.check()
        artifact.path.write_bytes(b"changed")
        result = getattr(content, method)()
        if result:
            assert (result.read_bytes() if method == "copy" else bytes(result[0].view)) == artifact_bytes
    with Content(artifact) as content, pytest.raises(ArtifactError, match="SHA-256 differs"):
        content.read_ahead()
        getattr(content, method)()
    assert not content.is_checked


def test_a_copy_is_private_and_removed(tmp_path: Path) -> None:
    artifact = savedmodel(tmp_path)
    with Content(artifact) as content:
        copied = content.copy()
        assert (copied / "variables" / "data").read_bytes() == b"weights"
        assert stat.S_IMODE(copied.parent.stat().st_mode) == 0o700
        assert content.is_checked
    assert not copied.parent.exists()


@pytest.mark.parametrize("change", ["graph.pb", "variables/data", "assets/new"])
def test_every_file_of_a_folder_is_covered(tmp_path: Path, change: str) -> None:
    artifact = savedmodel(tmp_path)
    (artifact.path / change).parent.mkdir(exist_ok=True)
    (artifact.path / change).write_bytes(b"changed")
    with Content(artifact) as content, pytest.raises(ArtifactError, match="SHA-256 differs"):
        content.copy()
    assert not content.is_checked


def test_a_folder_outside_that_is_linked_is_refused(tmp_path: Path) -> None:
    artifact = savedmodel(tmp_path)
    shutil.move(artifact.path / "variables", tmp_path / "variables")
    (artifact.path / "variables").symlink_to(tmp_path / "variables")
    with Content(artifact) as content, pytest.raises(ArtifactError, match="variables is a symbolic link"):
        content.copy()


def test_a_hard_link_is_covered_as_any_other_file(tmp_path: Path) -> None:
    artifact = savedmodel(tmp_path)
    outside = tmp_path / "outside"
    outside.hardlink_to(artifact.path / "variables" / "data")
    with Content(artifact) as content:
        copied = content.copy() / "variables" / "data"
        outside.write_bytes(b"changed")
        assert copied.read_bytes() == b"weights"
    with Content(artifact) as content, pytest.raises(ArtifactError, match="SHA-256 differs"):
        content.copy()


def savedmodel(folder: Path) -> Artifact:
    """The files of a SavedModel, as far as the check looks."""
    path = folder / "model.savedmodel"
    (path / "variables").mkdir(parents=True)
    (path / "graph.pb").write_bytes(b"graph")
    (path / "variables" / "data").write_bytes(b"weights")
    return Artifact.with_card(path, Card(labels=("cat", "dog"), size=8, sha256=sha256_of(path)))
