"""How large things may get: files, folders, functions, commands."""

import argparse
import ast
import importlib
from pathlib import Path

import pytest

from tests.source import COMMANDS, FILES, FOLDERS, ROOT, TESTS, name_of, tree_of

MAX_FILE_LINES = 250
MAX_FOLDER_FILES = 12
MAX_FUNCTION_LINES = 40
MAX_PARAMETERS = 6
MAX_OPTIONS = 12
# Every command has these.
COMMON_OPTIONS = {"-h", "-v", "-q", "--help-all"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> list[Function]:
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, Function)]


def test_a_file_has_at_most_250_lines() -> None:
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in [*FILES, *TESTS]}
    assert not {name: count for name, count in lines.items() if count > MAX_FILE_LINES}


def test_a_folder_has_at_most_12_files() -> None:
    folders = {path.parent for path in FILES}
    counts = {name_of(folder): len(list(folder.glob("*.py"))) for folder in folders}
    assert not {name: count for name, count in counts.items() if count > MAX_FOLDER_FILES}


def test_a_function_has_at_most_40_lines() -> None:
    found = {
        f"{name_of(path)}:{each.name}": (each.end_lineno or 0) - each.lineno + 1
        for path in FILES
        for each in functions(path)
    }
    assert not {name: count for name, count in found.items() if count > MAX_FUNCTION_LINES}


def test_a_function_has_at_most_6_parameters() -> None:
    def count(each: Function) -> int:
        names = [arg.arg for arg in [*each.args.posonlyargs, *each.args.args, *each.args.kwonlyargs]]
        return len([name for name in names if name not in ("self", "cls")])

    found = {f"{name_of(path)}:{each.name}": count(each) for path in FILES for each in functions(path)}
    assert not {name: number for name, number in found.items() if number > MAX_PARAMETERS}


@pytest.mark.parametrize("command", [*(f"{name}.run" for name in COMMANDS), "temper.cli.main"])
def test_the_help_of_a_command_lists_at_most_12_options(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parsers: list[argparse.ArgumentParser] = []
    original = argparse.ArgumentParser.__init__

    def record(self: argparse.ArgumentParser, *arguments: object, **named: object) -> None:
        original(self, *arguments, **named)  # type: ignore[arg-type]
        parsers.append(self)

    monkeypatch.setattr(argparse.ArgumentParser, "__init__", record)
    with pytest.raises(SystemExit):
        importlib.import_module(command).parse(["--help"])
    capsys.readouterr()
    for parser in parsers:
        shown = [
            action.option_strings[0]
            for action in parser._actions
            if action.option_strings and action.help != argparse.SUPPRESS
        ]
        assert len([each for each in shown if each not in COMMON_OPTIONS]) <= MAX_OPTIONS, (parser.prog, shown)


def test_every_package_says_what_it_is_for() -> None:
    packages = [path for folder in FOLDERS for path in (ROOT / folder).rglob("__init__.py")]
    assert not [name_of(path) for path in packages if not ast.get_docstring(tree_of(path))]
