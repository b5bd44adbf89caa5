import argparse
from pathlib import Path

import pytest

from experiments.chaos import guards
from experiments.chaos.commands import command_lines
from experiments.chaos.commands.command_lines import Line, attack

pytestmark = pytest.mark.programs


def test_wrong_command_lines_are_refused_with_a_remedy(tmp_path: Path) -> None:
    counts = command_lines.run(36, 5, tmp_path)
    assert (counts["tried"], counts["examples"]) == (36, [])
    assert int(str(counts["refused"])) > 24


def test_what_must_not_happen_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import data.run

    def failing(options: argparse.Namespace) -> int:
        if options.folder.name == "bug":
            raise ZeroDivisionError
        return {"done": 0, "unknown": 77}[options.folder.name]

    monkeypatch.setattr(data.run, "run", failing)
    monkeypatch.setattr(command_lines, "MAX_SECONDS", 1.0)
    kinds = {
        name: attack(Line(module="data.run", words=["scan", name], must_fail=True), tmp_path).kind
        for name in ("bug", "done", "unknown")
    }
    assert kinds == {"bug": "traceback", "done": "silent", "unknown": "silent"}


def test_errors_that_are_taken_for_bugs_are_noticed(tmp_path: Path) -> None:
    with guards.unanswered():
        result = attack(Line(module="infer.run", words=["inspect", "missing.onnx"], must_fail=True), tmp_path)
    assert result.kind == "traceback"
