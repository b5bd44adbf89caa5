from pathlib import Path

import pytest

from experiments.chaos import guards
from experiments.chaos.commands import interrupts
from experiments.chaos.commands.workspace import Workspace, command_lines
from experiments.chaos.planted import WRAPPER, fault
from experiments.serving import running
from temper.artifact import Artifact
from temper.card import card_path, read_card
from temper.errors import ArtifactError


def test_a_damaged_artifact_is_read_without_the_check_only(bundle: Path) -> None:
    artifact = Artifact.at(bundle.with_name("model.fp32.onnx"))
    artifact.path.write_bytes(artifact.path.read_bytes() + b"x")
    with guards.unchecked():
        artifact.check()
    with pytest.raises(ArtifactError):
        artifact.check()


def test_a_damaged_card_is_read_or_raises_another_error_without_the_checks(bundle: Path) -> None:
    path = card_path(bundle.with_name("model.fp32.onnx"))
    path.write_text(path.read_text().replace('"blue"', '"grey"'))
    with guards.unsealed():
        read_card(bundle.with_name("model.fp32.onnx"))
    with guards.unvalidated(), pytest.raises(ValueError, match="card_sha256"):
        read_card(bundle.with_name("model.fp32.onnx"))
    with pytest.raises(ArtifactError):
        read_card(bundle.with_name("model.fp32.onnx"))


def test_a_fault_of_all_commands_is_tried_with_some_of_them(tmp_path: Path) -> None:
    with guards.concealed():
        lines = vars(interrupts)["command_lines"](Workspace(folder=tmp_path))
        assert set(lines) == set(guards.COMMANDS)
        assert all(words[1 : 1 + len(WRAPPER)] == list(WRAPPER) for words in lines.values())
    assert vars(interrupts)["command_lines"] is command_lines
    assert not fault()


def test_a_server_plants_the_fault_when_it_starts() -> None:
    usual = running.START
    with guards.unrefused_by_server():
        assert guards.PLANTING + usual == running.START
    assert usual == running.START
