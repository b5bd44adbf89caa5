"""`make gpu-check`, as far as it goes without a GPU: its command, and its message where it cannot run."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from experiments.gpu_check.run import parse
from temper.system.gpu import find_gpu
from tests.makefile import pretend_installed
from tests.source import ROOT

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")


def make(environment: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run make with an environment that counts as installed, and is this one."""
    pretend_installed(environment, ".gpu", "requirements-gpu.txt")
    return subprocess.run(["make", f"VENV={environment}", *words], cwd=ROOT, capture_output=True, text=True)


def test_the_recipe_passes_the_model_its_images_and_options_on(tmp_path: Path) -> None:
    recipe = make(tmp_path, "--dry-run", "gpu-check", "DATA=photos", "OPTIONS=--builder-option level=5").stdout
    # make in make says which folder it enters and leaves.
    (command,) = (line for line in recipe.splitlines() if "gpu_check" in line)
    program, *words = shlex.split(command)[1:]
    assert program == "experiments/gpu_check/run.py"
    options = parse(words)
    assert (options.model, options.data) == (Path("artifacts/model.keras"), Path("photos"))
    assert options.options == ["--builder-option", "level=5"]


@pytest.mark.programs
@pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU here")
def test_without_a_gpu_it_stops_before_anything_is_built(tmp_path: Path) -> None:
    before = sorted((ROOT / "benchmarks" / "results").rglob("*"))
    done = make(tmp_path, "gpu-check")
    assert done.returncode and "no NVIDIA GPU responds here" in done.stderr
    assert sorted((ROOT / "benchmarks" / "results").rglob("*")) == before
