"""`make gpu-check`, as far as it goes without a GPU: its commands, and its message where it cannot run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import benchmarks.run
import convert.run
import infer.run
from temper.system.gpu import find_gpu
from tests.source import ROOT

PARSERS = {
    "convert/run.py": convert.run.parse,
    "infer/run.py": infer.run.parse,
    "benchmarks/run.py": benchmarks.run.parse,
}
pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")


def make(environment: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run make with an environment that counts as installed, and is this one."""
    python = environment / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    (environment / ".gpu").touch()
    for needed in ("requirements.txt", "requirements-gpu.txt"):
        os.utime(environment / ".gpu", (latest := (ROOT / needed).stat().st_mtime + 1, latest))
    return subprocess.run(["make", f"VENV={environment}", *words], cwd=ROOT, capture_output=True, text=True)


def test_every_command_of_the_recipe_parses(tmp_path: Path) -> None:
    recipe = make(tmp_path, "--dry-run", "gpu-check", "DATA=photos", "OPTIONS=--builder-option level=5").stdout
    recipe = recipe.replace("\\\n", "").replace("$plan", "artifacts/model.int8.plan").replace("$precision", "int8")
    commands = re.findall(r"bin/python (\w+/run\.py)([^|;&\n)]*)", recipe)
    parsed = [(command, PARSERS[command](shlex.split(words.replace("$gpu", "GPU")))) for command, words in commands]
    names = [command for command, _ in parsed]
    assert names == ["infer/run.py", "infer/run.py", "convert/run.py", "infer/run.py", "benchmarks/run.py"]
    built, tested, measured = (options for _, options in parsed[2:])
    assert (built.precision, built.force, built.data) == ("int8", True, Path("photos"))
    assert built.builder_option == ["level=5"]
    assert (tested.command, tested.artifact) == ("selftest", Path("artifacts/model.int8.plan"))
    assert (measured.data, measured.out) == (Path("photos"), Path("benchmarks/results/GPU"))


@pytest.mark.programs
@pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU here")
def test_without_a_gpu_it_stops_before_anything_is_built(tmp_path: Path) -> None:
    before = sorted((ROOT / "benchmarks" / "results").rglob("*"))
    done = make(tmp_path, "gpu-check")
    assert done.returncode and "no NVIDIA GPU responds here: see the lines above" in done.stdout
    assert re.search(r"^GPU: ", done.stdout, re.MULTILINE)
    assert sorted((ROOT / "benchmarks" / "results").rglob("*")) == before
