"""The arrows of the house: who may import whom, and how large a room may get."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("data", "train", "convert", "infer", "benchmarks")
FILES = sorted(path for folder in ("temper", *STAGES) for path in (ROOT / folder).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]
# What a device without TensorFlow has, besides one runtime.
LIGHT = {"numpy", "PIL"}
HEAVY = {"tensorflow", "keras", "onnx", "onnxruntime", "openvino", "tensorrt", "tensorrt_rtx", "matplotlib", "tf2onnx"}
LONGEST = 250


def imports(path: Path, top_level_only: bool = False) -> set[str]:
    """Full names of imported modules."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return found | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}


def packages(path: Path, top_level_only: bool = False) -> set[str]:
    return {name.partition(".")[0] for name in imports(path, top_level_only)}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_stages_meet_in_files_only(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    assert not packages(path) & (set(STAGES) - {own})


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_fits_on_a_few_screens(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", [p for p in FILES if p.parent.name == "temper"], ids=lambda path: path.name)
def test_the_noun_needs_numpy_and_pillow_only(path: Path) -> None:
    assert packages(path) <= set(sys.stdlib_module_names) | LIGHT | {"temper"}


@pytest.mark.parametrize("path", [p for p in FILES if p.name == "run.py"], ids=str)
def test_a_door_imports_nothing_heavy_before_it_has_parsed(path: Path) -> None:
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        file = waiting.pop()
        seen.add(file)
        assert not packages(file, top_level_only=True) & HEAVY, file
        for name in imports(file, top_level_only=True):
            inside = ROOT / (name.replace(".", "/") + ".py")
            if inside.is_file() and inside not in seen:
                waiting.append(inside)


@pytest.mark.parametrize("path", [p for p in FILES if p.name != "run.py"], ids=str)
def test_only_doors_touch_the_search_path(path: Path) -> None:
    assert "sys.path" not in path.read_text(encoding="utf-8")
