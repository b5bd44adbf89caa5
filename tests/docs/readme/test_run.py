from pathlib import Path

import pytest

from docs.readme import blocks
from docs.readme import run as command


def test_the_command_writes_the_readme_and_prints_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[bool] = []
    monkeypatch.setattr(blocks, "README", tmp_path / "README.md")
    monkeypatch.setattr(blocks, "update", lambda: written.append(True))
    assert command.run(command.parse([])) == 0
    assert written == [True]
    assert capsys.readouterr().out == f"{tmp_path / 'README.md'}\n"
