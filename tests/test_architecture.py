"""The arrows of the house: who may import whom, and how large a room may get."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("data", "train", "convert", "infer", "benchmarks")
FILES = sorted(path for folder in ("temper", *STAGES) for path in (ROOT / folder).rglob("*.py"))
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


def test_stages_meet_in_files_only() -> None:
    own = {path: path.relative_to(ROOT).parts[0] for path in FILES}
    assert not [path for path in FILES if packages(path) & (set(STAGES) - {own[path]})]


def test_a_file_fits_on_a_few_screens() -> None:
    assert not [path for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST]


def test_the_noun_needs_numpy_and_pillow_only() -> None:
    allowed = set(sys.stdlib_module_names) | LIGHT | {"temper"}
    assert not [path for path in FILES if path.parent.name == "temper" and not packages(path) <= allowed]


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


def test_only_doors_touch_the_search_path() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in FILES}
    assert not [path for path, text in texts.items() if "sys.path" in text and "    enter(main)" not in text]
