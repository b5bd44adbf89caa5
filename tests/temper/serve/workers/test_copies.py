import os
import shutil
import tempfile
from pathlib import Path

import pytest

from temper.artifact import Artifact
from temper.errors import ArtifactError, ResourceError
from temper.serve.workers.copies import PREFIX, copy_artifact, copy_folder, remove_abandoned
from temper.trust.keys import own_key
from temper.trust.policy import authenticate
from temper.trust.signature import sign


def test_a_copy_is_complete_and_checked(onnx: Path, tmp_path: Path) -> None:
    copied = copy_artifact(onnx, tmp_path)
    assert {each.name for each in tmp_path.iterdir()} >= {onnx.name, f"{onnx.name}.json"}
    assert copied.card.golden and (tmp_path / copied.card.golden.file).is_file()
    with pytest.raises(ArtifactError):
        copy_artifact(tmp_path / "none.onnx", tmp_path)


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(onnx: Path, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"cannot be copied to .* TMPDIR"):
        copy_artifact(onnx, tmp_path / "none" / "folder")


def test_only_folders_that_no_server_uses_any_more_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "kept").mkdir()
    abandoned, new, link = (tmp_path / f"{PREFIX}{name}" for name in ("abandoned", "new", "link"))
    abandoned.mkdir()
    (abandoned / "model.onnx").touch()
    new.mkdir()
    link.symlink_to(tmp_path / "kept")
    with copy_folder() as used:
        for folder in (abandoned, used, link):
            os.utime(folder, (0, 0), follow_symlinks=False)
        assert remove_abandoned() == 1
        assert set(tmp_path.iterdir()) == {used, new, link, tmp_path / "kept"}
    assert not used.exists()
    shutil.rmtree(new)


def test_an_unknown_program_is_not_copied_and_a_signature_is(
    onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (onnx, onnx.with_name(f"{onnx.name}.json")):
        (tmp_path / path.name.replace(".onnx", ".plan")).write_bytes(path.read_bytes())
    plan = Artifact.at(tmp_path / "model.fp32.plan")
    (tmp_path / "copy").mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with pytest.raises(ArtifactError, match=f"{plan.path} can run any code on this machine"):
        copy_artifact(plan.path, tmp_path / "copy")
    assert not list((tmp_path / "copy").iterdir())
    sign(plan, own_key())
    assert authenticate(copy_artifact(plan.path, tmp_path / "copy"))
