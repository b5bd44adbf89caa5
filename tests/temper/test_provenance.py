import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from temper import __version__, provenance
from temper.card import FileReference
from tests.source import ROOT


@pytest.fixture(autouse=True)
def not_cached() -> Iterator[None]:
    provenance.commit.cache_clear()
    yield
    provenance.commit.cache_clear()


def test_versions_leave_out_packages_that_are_not_installed() -> None:
    versions = provenance.package_versions("numpy", "no-such-package")
    assert set(versions) == {"python", "numpy"}
    assert versions["python"] == platform.python_version()


def test_a_record_says_which_version_and_commit_of_temper_made_the_artifact() -> None:
    source = FileReference("model.fp32.onnx", "ab" * 32)
    record = provenance.provenance(("numpy",), {"seed": 0}, source, "cd" * 32, 1.26)
    assert record.temper == __version__
    assert record.commit == provenance.commit()
    assert (record.source, record.model_sha256, record.settings) == (source, "cd" * 32, {"seed": 0})
    assert record.build_seconds == 1.3
    assert "numpy" in record.versions


def test_a_record_of_a_trained_model_has_no_source() -> None:
    record = provenance.provenance(())
    assert (record.source, record.model_sha256, record.settings) == (None, "", {})


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.programs
@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_the_commit_of_a_clone_and_whether_files_differ_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    monkeypatch.setattr(provenance, "PROJECT", tmp_path)
    assert provenance.commit() == git(tmp_path, "rev-parse", "--short=12", "HEAD")
    provenance.commit.cache_clear()
    (tmp_path / "a").write_text("2")
    assert provenance.commit().endswith("-dirty")


def test_an_installed_library_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "PROJECT", tmp_path)
    assert provenance.commit() == ""


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert provenance.commit() == ""
    assert provenance.PROJECT == ROOT
