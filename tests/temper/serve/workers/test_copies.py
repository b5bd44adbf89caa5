import tempfile
from pathlib import Path

import pytest

from temper.artifact import Artifact
from temper.errors import ArtifactError, ResourceError
from temper.serve.workers.copies import PREFIX, copy_artifact, copy_folder
from temper.storage.atomic import FILES, SCRATCH_SUFFIX
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


def test_the_copy_of_a_server_that_was_killed_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with copy_folder() as used:
        # A killed process holds no lock any more.
        abandoned = tmp_path / f".{PREFIX}.abandoned{SCRATCH_SUFFIX}" / FILES
        abandoned.mkdir(parents=True)
        with copy_folder() as other:
            assert {used.parent, other.parent} == set(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


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
