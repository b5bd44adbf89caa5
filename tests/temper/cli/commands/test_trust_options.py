import json
import os
from pathlib import Path

import pytest

from temper.artifact import Artifact
from temper.cli import main
from temper.cli.commands.trust_options import ARTIFACT_OF
from temper.errors import ArtifactError, UsageError
from temper.trust.policy import VARIABLE, origin_of
from temper.trust.records import state_folder
from tests import tiny


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, "0")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def run(*words: object) -> int:
    return main.run(main.parse([str(word) for word in words]))


@pytest.mark.parametrize("command", sorted(set(ARTIFACT_OF) - {"verify"}))
def test_the_options_are_in_the_complete_help_alone(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for option in ("--help", "--help-all"):
        with pytest.raises(SystemExit):
            main.parse([command, option])
        texts.append(capsys.readouterr().out)
    assert "--help-all" in texts[0]
    for name in ("--trust ", "--require-signature "):
        assert name not in texts[0]
        assert name in texts[1]


def test_an_artifact_is_trusted_before_the_command_runs_and_from_then_on(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    onnx = Artifact.at(bundle).sibling("fp32", ".onnx")
    assert origin_of(onnx).kind == "unknown"
    assert run("selftest", onnx.path, "--trust", "--json") == 0
    assert json.loads(capsys.readouterr().out)["passed"]
    assert origin_of(onnx).kind == "trusted by hand"


def test_a_required_signature_is_required_of_child_processes_too(bundle: Path) -> None:
    image = next((bundle.parent / "images").rglob("*.png"))
    with pytest.raises(ArtifactError, match="is not signed, and a signature is required"):
        run("classify", image, "--engine", bundle.with_name("model.fp32.onnx"), "--require-signature")
    assert os.environ[VARIABLE] == "1"


def test_a_folder_cannot_be_trusted_by_hand(bundle: Path) -> None:
    with pytest.raises(UsageError, match="--trust is for one artifact"):
        run("classify", "x.jpg", "--engine", bundle.parent, "--trust")


@pytest.mark.parametrize("option", ["--trust", "--require-signature"])
def test_every_node_of_a_cluster_decides_itself(tmp_path: Path, option: str) -> None:
    with pytest.raises(UsageError, match="every node of a cluster decides itself"):
        run("classify", "x.jpg", "--engine", tmp_path / "m.plan", "--ray", "local", "--out", tmp_path, option)


def test_a_damaged_artifact_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "model.plan").write_bytes(b"code")
    tiny.with_card(tmp_path / "model.plan")
    (tmp_path / "model.plan").write_bytes(b"evil")
    with pytest.raises(ArtifactError, match="is not the file that its card describes"):
        run("selftest", tmp_path / "model.plan", "--trust")
    assert not state_folder().exists()
