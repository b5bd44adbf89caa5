"""Wrong command lines for every command: each must end with a documented exit code and one message with a remedy.

The lines are made from the options of the parsers themselves, so that a new option is attacked too. Each one runs in a
forked process, where the libraries are imported already, with a time limit.
"""

import argparse
import contextlib
import importlib
import io
import os
import random
import re
import signal
import sys
import time
import types
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from experiments.chaos.commands.workspace import (
    CHOOSE,
    Workspace,
    make_workspace,
    reset,
    words_to_adopt,
    words_to_choose,
)
from experiments.chaos.commands.wrong_words import FAULTS
from temper.exit_codes import ExitCode

# Work that has begun instead of a refusal takes longer than this.
MAX_SECONDS = 20.0
# Module and command; the words that make it work are below, in `working`.
COMMANDS = (
    ("infer.run", "classify"), ("infer.run", "selftest"), ("infer.run", "doctor"), ("infer.run", "inspect"),
    ("infer.run", "serve"), ("data.run", "draw"), ("data.run", "fetch"), ("data.run", "scan"), ("convert.run", ""),
    ("convert.run", "adopt"), ("train.run", ""), ("choose.run", ""), ("benchmarks.run", "run"),
    ("benchmarks.run", "compare"),
)  # fmt: skip
# A message with a remedy has one of these.
REMEDY = re.compile(
    r"[Ee]xpect|--help|`|(?:^|[.:;,] )(?:Adopt|Add|Build|Check|Choose|Close|Convert|Copy|Describe|Draw|Export|Free|"
    r"Give|Install|Leave|Look|Make|Measure|Move|Name|Put|Remove|Rename|Run|Scan|See|Set|Start|Take|Train|Use|Wait|Write)\b"
    r"|expected|one of|at least|at most|allowed|continues"
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A wrong command line. must_fail: no reading of it makes sense."""

    module: str
    words: list[str]
    must_fail: bool


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a line ended; kind is one of the keys that `run` counts."""

    line: Line
    kind: str
    code: int
    seconds: float
    text: str


def run(count: int, seed: int, scratch: Path) -> dict[str, object]:
    """Run `count` wrong command lines.

    Returns counts: tried; ok (work that was done, since the line has a meaning); refused (with a remedy); silent (exit
    code 0 for a line without a meaning, a code that is not documented, or no remedy); traceback; crash (ended by a
    signal); hang; and the seconds and examples.
    """
    started = time.monotonic()
    workspace = make_workspace(scratch / "command-lines")
    reset(workspace, CHOOSE)
    plant(workspace.folder)
    for module in {module for module, _ in COMMANDS}:
        importlib.import_module(module)
    for library in ("PIL.Image", "temper.runners.onnxruntime", "convert.pipeline"):
        importlib.import_module(library)
    results = [attack(line, workspace.folder) for line in wrong_lines(workspace, count, random.Random(seed))]
    kinds = Counter(each.kind for each in results)
    bad = [each for each in results if each.kind not in ("ok", "refused")]
    return {
        "tried": len(results),
        **{kind: kinds[kind] for kind in ("ok", "refused", "silent", "traceback", "crash", "hang")},
        "slowest": round(max(each.seconds for each in results), 2),
        "seconds": round(time.monotonic() - started),
        "examples": [
            f"{each.kind} {each.code}: {each.line.module} {' '.join(map(ascii, each.line.words))}: {each.text[-500:]}"
            for each in bad
        ],
    }


def plant(folder: Path) -> None:
    """The files that PATHS name."""
    (folder / "text.txt").write_text("no image, no artifact\n")
    (folder / "x.engine").write_bytes(bytes(100))
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "empty").mkdir()
    (folder / "loop").symlink_to("loop")
    (folder / "secret").mkdir(mode=0)
    os.mkfifo(folder / "fifo.jpg")


def working(workspace: Workspace, command: str, module: str) -> list[str]:
    """Words that the command accepts, without options that are not needed."""
    onnx, folder = str(workspace.artifact), workspace.folder
    image = str(next(workspace.images.rglob("*.png")))
    words = {
        "classify": ["--engine", onnx, image],
        "draw": [str(folder / "drawn"), "--train", "1", "--test", "1"],
        "fetch": [str(folder / "fetched"), "--url", "http://127.0.0.1:9/x.zip"],
        "scan": [str(workspace.images)],
        "serve": [onnx, "--port", "0"],
        "run": [onnx, "--out", str(folder / "report"), "--seconds", "0.01", "--quick"],
        "compare": ["missing.json", "missing.json"],
        "adopt": words_to_adopt(workspace),
        "": [str(workspace.model), str(folder / "model.fp16.onnx"), "--precision", "fp16"],
    }  # fmt: skip
    if module == "choose.run":
        return words_to_choose(workspace)
    if module == "train.run":
        return ["--data", str(workspace.images), "--out", str(folder / "t.keras"), "--weights", "none"]
    return words.get(command, [onnx])


def wrong_lines(workspace: Workspace, count: int, rng: random.Random) -> Iterator[Line]:
    """Lines with one to three faults each; every fault has its turn at every command."""
    for number in range(count):
        module, command = COMMANDS[number % len(COMMANDS)]
        parser = _parser_of(module, command)
        words, must_fail = working(workspace, command, module), False
        # In their order: a later one removes no word of an earlier one.
        for fault in sorted(rng.sample(FAULTS, rng.choice((1, 1, 1, 2, 3))), key=FAULTS.index):
            words, is_wrong = fault(words, parser, rng)
            must_fail |= is_wrong
        yield Line(module=module, words=[*([command] if command else []), *words], must_fail=must_fail)


def _parser_of(module: str, command: str) -> argparse.ArgumentParser:
    """The parser of a command; its class is asked to keep the last one that parses."""
    parsers: list[argparse.ArgumentParser] = []
    original = argparse.ArgumentParser.parse_known_args

    def parse_known_args(parser: argparse.ArgumentParser, *arguments: object, **named: object) -> object:
        parsers.append(parser)
        return original(parser, *arguments, **named)

    argparse.ArgumentParser.parse_known_args = parse_known_args  # type: ignore[assignment,method-assign]
    try:
        with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
            importlib.import_module(module).parse([*([command] if command else []), "--help"])
    finally:
        argparse.ArgumentParser.parse_known_args = original  # type: ignore[method-assign]
    return parsers[-1]


def attack(line: Line, folder: Path) -> Result:
    """Run a line in a forked process, in `folder`."""
    started = time.monotonic()
    out, err = folder / ".stdout", folder / ".stderr"
    pid = os.fork()
    if not pid:
        _run_here(line, folder, out, err)
    while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0) and time.monotonic() - started < MAX_SECONDS:
        time.sleep(0.005)
    is_hanging = ended == (0, 0)
    if is_hanging:
        os.killpg(pid, signal.SIGKILL)
        ended = os.waitpid(pid, 0)
    code, text = os.waitstatus_to_exitcode(ended[1]), err.read_text(errors="backslashreplace")
    # A line with a meaning may take long: then it has reported what it does.
    hanging = "ok" if text and not line.must_fail else "hang"
    kind = hanging if is_hanging else _kind_of(line, code, text)
    return Result(line=line, kind=kind, code=code, seconds=time.monotonic() - started, text=text)


def _run_here(line: Line, folder: Path, out: Path, err: Path) -> None:
    code = 99
    try:
        os.setsid()
        os.chdir(folder)
        for path, number in ((out, 1), (err, 2)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
        sys.argv = [line.module, *line.words]
        # Worker processes would import the program that attacks.
        sys.modules["__main__"] = types.ModuleType("__main__")
        module = importlib.import_module(line.module)
        command = getattr(module, "main", module).run if line.module == "infer.run" else module.run
        from temper.cli.entry_point import run_command

        run_command(module.parse, command)
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        os._exit(code)


def _kind_of(line: Line, code: int, text: str) -> str:
    if code < 0:
        return "crash"
    if "Traceback" in text or code == ExitCode.BUG:
        return "traceback"
    if code == 0:
        return "silent" if line.must_fail else "ok"
    is_known = code in [int(each) for each in ExitCode]
    return "refused" if is_known and REMEDY.search(text) else "silent"
