import os
import subprocess
import sys
from pathlib import Path

import pytest

from temper.choose import choose
from temper.errors import ArtifactError
from tests.source import ROOT


def test_a_file_is_that_artifact_whether_or_not_it_exists(tmp_path: Path) -> None:
    assert choose(tmp_path / "none.onnx").path == tmp_path / "none.onnx"
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ArtifactError, match="no suffix that Temper knows"):
        choose(tmp_path / "notes.txt")


def test_for_a_file_nothing_is_imported_that_compares_artifacts_with_this_machine() -> None:
    code = "import sys; from temper.choose import choose; choose('a.onnx'); print('temper.choose.best' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "False\n", done.stderr


def test_a_folder_that_does_not_exist_is_reported_as_such(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="none does not exist"):
        choose(tmp_path / "none")


def test_a_pipe_is_not_reported_as_missing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ArtifactError, match=r"a\.png is a pipe, a socket or a device"):
        choose(tmp_path / "a.png")
