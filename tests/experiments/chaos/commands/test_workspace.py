from pathlib import Path

from experiments.chaos.commands.workspace import command_lines, forget_results, make_workspace


def test_a_workspace_has_what_the_command_lines_name(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "work")
    lines = command_lines(workspace)
    named = {Path(word) for words in lines.values() for word in words if word.startswith(str(workspace.folder))}
    made_by_commands = {"drawn", "report", "rows.jsonl", "trained.keras", "model.int8.onnx", "model.fp16.xml"}
    assert {path.name for path in named if not path.exists()} == made_by_commands


def test_results_that_a_command_would_not_make_again_are_forgotten(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "work")
    (workspace.folder / "drawn").mkdir()
    (workspace.folder / "rows.jsonl").touch()
    forget_results(workspace, "draw")
    assert not (workspace.folder / "drawn").exists() and (workspace.folder / "rows.jsonl").exists()
    forget_results(workspace, "classify --out")
    assert not (workspace.folder / "rows.jsonl").exists()
