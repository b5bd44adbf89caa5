"""What the documents say is so: links, commands, options, tables, quoted messages and figures."""

import argparse
import ast
import importlib
import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

import msgspec
import pytest

from benchmarks.analysis.report_file import read_report
from benchmarks.rendering.table import columns
from convert.adopt.options import parse_adopt
from convert.trt.build_options import HELP
from temper.card import Preprocessing, records
from temper.cli import main
from temper.exit_codes import ExitCode
from temper.formats import FORMATS
from temper.serve.settings import MIB, Limits
from tests.source import COMMANDS, DOCUMENTS, FILES, FOLDERS, ROOT, name_of, tree_of

TEXT = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}
README, ARTIFACTS, TROUBLESHOOTING, CONTRIBUTING = (
    TEXT[ROOT / name] for name in ("README.md", "docs/artifacts.md", "docs/troubleshooting.md", "CONTRIBUTING.md")
)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LINKS = [(path, target) for path, text in TEXT.items() for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text)]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A command goes on in the next line.
CONTINUED = re.compile(r"\\\n\s*")
RECORDS = [
    each
    for each in vars(records).values()
    if isinstance(each, type) and issubclass(each, msgspec.Struct) and each is not msgspec.Struct
]
# The changelog names the options of version 0.1 too.
CURRENT = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]


def lines_of_blocks(text: str) -> list[str]:
    """Lines of blocks without a language, and of those of a console: commands, and what they print."""
    blocks = [block for language, block in BLOCK.findall(text) if language in ("", "console")]
    return [line.removeprefix("$ ") for block in blocks for line in CONTINUED.sub(" ", block).splitlines()]


def code_of(text: str) -> list[str]:
    """Lines of blocks, and inline code."""
    return lines_of_blocks(text) + re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))


def commands(*programs: str) -> list[list[str]]:
    """The words of every command in the documents that gives arguments to one of these programs, each once."""
    lines = [
        line for text in TEXT.values() for line in code_of(text) if line.startswith(tuple(f"{p} " for p in programs))
    ]
    return [list(words) for words in dict.fromkeys(tuple(shlex.split(line, comments=True)) for line in lines)]


def section(text: str, heading: str) -> str:
    """The text below a heading, up to the next heading of its level or above."""
    level = heading.index(" ")
    body = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{level}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert body, heading
    return body[1]


def table(text: str) -> list[list[str]]:
    """The cells of the rows of the first table; the headings are its first row."""
    lines = re.search(r"(^\|.*\n)+", text, re.MULTILINE)
    assert lines, "no table"
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[0].splitlines()]
    return [rows[0], *rows[2:]]


@pytest.mark.parametrize(("path", "target"), LINKS, ids=[target for _, target in LINKS])
def test_every_link_leads_to_a_file_or_a_web_page(path: Path, target: str) -> None:
    assert target.startswith("https://") or (path.parent / target).exists()


@pytest.mark.parametrize("words", commands("python", "temper"), ids=" ".join)
def test_every_command_parses(words: list[str]) -> None:
    program, *arguments = words
    if program == "python":
        assert (ROOT / arguments[0]).is_file()
        parse = importlib.import_module(arguments.pop(0).removesuffix(".py").replace("/", ".")).parse
    else:
        parse = main.parse
    try:
        parse(arguments)
    except SystemExit as ended:
        # --help and --version end with 0.
        assert not ended.code


@pytest.mark.parametrize("words", commands("make"), ids=" ".join)
def test_every_make_command_exists(words: list[str]) -> None:
    for word in words[1:]:
        name, _, is_variable = word.partition("=")
        assert re.search(rf"^{name}\s*\?=" if is_variable else rf"^{name}:", MAKEFILE, re.MULTILINE) or (
            f"$({name})" in MAKEFILE
        )


@pytest.mark.programs
def test_make_refuses_a_variable_that_no_target_has() -> None:
    command = ["make", "--no-print-directory", "-n", "train", "DATA=photos", "SIZEE=160", "EPOCH=3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no target has the variable EPOCH SIZEE. There are: PYTHON " in done.stderr
    known = re.findall(r"^([A-Z_]+) +\?=", MAKEFILE, re.MULTILINE)
    named = re.findall(r"\b([A-Z_]+)=", "".join(re.findall(r"^[a-z-]+:.*##.*$", MAKEFILE, re.MULTILINE)))
    values = [f"{name}=1" for name in {*known, *named}]
    assert subprocess.run(["make", "-n", "help", *values], cwd=ROOT, capture_output=True).returncode == 0


def test_every_make_command_has_a_line_of_help() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    assert not [name for name in phony[1].split() if not re.search(rf"^{name}:.*## \S", MAKEFILE, re.MULTILINE)]


@pytest.mark.parametrize("words", commands("pip"), ids=" ".join)
def test_every_file_that_pip_installs_from_exists(words: list[str]) -> None:
    assert all((ROOT / words[index + 1]).is_file() for index, word in enumerate(words) if word == "-r")


def test_every_option_exists(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    known: set[str] = set()
    original = argparse._ActionsContainer.add_argument

    def record(self: argparse._ActionsContainer, *flags: str, **details: object) -> argparse.Action:
        known.update(flags)
        return original(self, *flags, **details)  # type: ignore[arg-type]

    monkeypatch.setattr(argparse._ActionsContainer, "add_argument", record)
    for parse in [main.parse, parse_adopt, *(importlib.import_module(f"{name}.run").parse for name in COMMANDS)]:
        with pytest.raises(SystemExit):
            parse(["--help"])
    capsys.readouterr()
    named = {line.split()[0] for path in CURRENT for line in code_of(TEXT[path]) if line.startswith("--")}
    unknown = named - known
    assert not unknown


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_python_block_compiles(path: Path) -> None:
    for language, block in BLOCK.findall(TEXT[path]):
        if language == "python":
            compile(block, name_of(path), "exec")


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_numbered_lists_count_from_one_and_leave_none_out(path: Path) -> None:
    numbers = [int(each) for each in re.findall(r"^ *(\d+)\. ", BLOCK.sub("", TEXT[path]), re.MULTILINE)]
    assert not [number for before, number in zip([0, *numbers], numbers, strict=False) if number not in (1, before + 1)]


def test_the_table_of_formats_is_the_code() -> None:
    rows = [[cell.strip("`") for cell in row] for row in table(section(ARTIFACTS, "## Formats"))[1:]]
    assert rows == [[each.suffix, each.title, each.install, each.extra or "–"] for each in FORMATS]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_field_of_the_card_is_explained(record: type[msgspec.Struct]) -> None:
    rows = table(section(ARTIFACTS, f"### `{record.__name__}`"))[1:]
    assert [row[0].strip("`") for row in rows] == list(record.__struct_fields__)


def test_the_preprocessing_is_that_of_the_code() -> None:
    rows = table(section(ARTIFACTS, "### `Preprocessing`"))[1:]
    assert {row[0].strip("`"): row[1].split("`")[1] for row in rows} == msgspec.structs.asdict(Preprocessing())


def test_every_builder_option_is_explained() -> None:
    rows = table(section(ARTIFACTS, "## Options of the TensorRT builder"))[1:]
    assert {row[0].strip("`").partition("=")[0] for row in rows} == set(re.findall(r"(\w+)=", HELP))


def test_every_exit_code_is_explained() -> None:
    rows = table(section(TROUBLESHOOTING, "## Exit codes"))[1:]
    assert [(int(row[0]), row[1].strip("`")) for row in rows] == [(code.value, code.name) for code in ExitCode]


@pytest.mark.parametrize("message", re.findall(r"^\*\*`(.*)`\*\*$", TROUBLESHOOTING, re.MULTILINE))
def test_every_quoted_message_is_in_the_code(message: str) -> None:
    assert any(message.strip("…") in text for path in FILES for text in texts_of(path))


@cache
def texts_of(path: Path) -> list[str]:
    """Every string in a file; "…" stands for what is inserted into it."""
    strings = []
    for node in ast.walk(tree_of(path)):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        if isinstance(node, ast.JoinedStr | ast.Constant):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
            strings.append(re.sub(r"(%[sd]|…)+", "…", text))
    return strings


def test_the_limits_of_the_server_are_those_of_the_code() -> None:
    limits, text = Limits(), " ".join(TEXT[ROOT / "docs" / "serving.md"].split())
    for value in (
        f"{limits.body_bytes // MIB} MiB for a body",
        f"{limits.json_bytes // MIB} MiB for JSON",
        f"{limits.images} images in one request",
        f"{limits.header_bytes // 1024} KiB for headers",
        f"{limits.header_seconds:g} seconds for headers and {limits.body_seconds:g} for a body",
        f"{limits.connections:,} connections",
    ):
        assert value in text


def test_no_result_names_a_path_of_the_machine_that_measured_it() -> None:
    results = (ROOT / "benchmarks" / "results").rglob("*.md")
    assert not [name_of(path) for path in results if re.search(r"(?<![\w.])/(?:tmp|home|root|work)/", path.read_text())]


def test_the_readme_names_every_folder() -> None:
    assert not [folder for folder in (*FOLDERS, "tests") if f"\n{folder}/ " not in README]


def test_contributing_names_every_folder() -> None:
    tree = section(CONTRIBUTING, "## The tree")
    packages = [path.parent for folder in FOLDERS for path in (ROOT / folder).rglob("__init__.py")]
    assert not [name_of(folder) for folder in packages if f"{folder.name}/`" not in tree]


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_no_placeholder_is_left(path: Path) -> None:
    assert not re.findall(r"^[A-Z]{3,}$|TODO|FIXME|XXX", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_column_of_a_report_is_explained() -> None:
    report = read_report(ROOT / "benchmarks" / "results" / "photos-224" / "report.json")
    text = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8")
    # The batch size and the baseline differ between reports.
    general = {re.sub(r"batch \d+|speedup vs .*", lambda m: m[0].split()[0], each.heading) for each in columns(report)}
    assert not {heading for heading in general if heading not in text}
