from pathlib import Path

import pytest

from experiments.chaos.commands.workspace import BACKBONE, CHOOSE, SIZE, Workspace, command_lines, make_workspace, reset


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(tmp_path_factory.mktemp("workspace") / "work")


def test_a_workspace_has_what_the_command_lines_name(workspace: Workspace) -> None:
    lines = command_lines(workspace)
    named = {Path(word) for words in lines.values() for word in words if word.startswith(str(workspace.folder))}
    made_by_commands = {"drawn", "report", "rows.jsonl", "trained.keras", "model.int8.onnx", "model.fp16.xml", "net"}
    assert {path.name for path in named if not path.exists()} == made_by_commands | {"teacher.keras", "chosen"}


def test_results_that_a_command_would_not_make_again_are_removed(workspace: Workspace) -> None:
    (workspace.folder / "drawn").mkdir()
    (workspace.folder / "rows.jsonl").touch()
    reset(workspace, "draw")
    assert not (workspace.folder / "drawn").exists() and (workspace.folder / "rows.jsonl").exists()
    reset(workspace, "classify --out")
    assert not (workspace.folder / "rows.jsonl").exists()


def test_choose_has_a_trained_network_and_converts_and_measures_again(workspace: Workspace) -> None:
    reset(workspace, CHOOSE)
    network = workspace.chosen / f"{BACKBONE}-{SIZE}"
    made = [workspace.chosen / "choice.json", *(network / f"model.fp32.{each}" for each in ("xml", "xml.json", "bin"))]
    for path in made:
        path.touch()
    trained = (network / "model.keras").stat()
    reset(workspace, CHOOSE)
    assert not [path for path in made if path.exists()]
    assert (network / "model.keras").stat() == trained and (network / "model.fp32.onnx").exists()
