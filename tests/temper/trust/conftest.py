from pathlib import Path

import pytest

from temper.artifact import Artifact
from tests import tiny


@pytest.fixture(autouse=True)
def another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test starts without records and keys."""
    for name in ("STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "user" / name.lower()))


@pytest.fixture
def plan(tmp_path: Path) -> Artifact:
    """An artifact that is a program, from elsewhere."""
    path = tmp_path / "artifacts" / "model.fp32.plan"
    path.parent.mkdir()
    path.write_bytes(b"native code")
    return tiny.with_card(path)


@pytest.fixture
def onnx(tmp_path: Path) -> Artifact:
    """An artifact that is data, from elsewhere."""
    path = tmp_path / "model.fp32.onnx"
    path.write_bytes(b"a graph")
    return tiny.with_card(path)
