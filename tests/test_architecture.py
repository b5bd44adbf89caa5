"""Who may import whom."""

import ast
import sys
from pathlib import Path

import pytest

from tests.source import COMMANDS, FILES, ROOT, STAGES, name_of, tree_of

# What a device has, besides one runtime.
LIGHT = {"numpy", "PIL", "msgspec", "rich", "platformdirs"}
# Where the library may import what an extra installs (pyproject.toml).
OPTIONAL = {
    "temper/system/gpu.py": {"pynvml"},
    "temper/trust/": {"cryptography"},
    "temper/serve/": {"starlette", "uvicorn", "prometheus_client"},
    "temper/infer/": {"pyarrow", "av"},
    "temper/cluster/": {"ray", "pyarrow"},
}
# What a command must not import before it has parsed its options: `--help` is immediate, and works without them.
HEAVY = {
    "numpy", "PIL", "scipy", "tensorflow", "keras", "onnx", "onnxruntime", "openvino", "tensorrt", "tensorrt_rtx",
    "matplotlib", "tf2onnx", "imagehash", "jinja2", "starlette", "uvicorn", "prometheus_client", "ray", "pyarrow", "av",
    "cryptography", "mkdocs", "nbclient", "nbformat",
}  # fmt: skip

# Where images are opened: with limits, or on purpose as tutorials do it.
DECODING = ("temper/images/decode.py", "data/image_check.py", "benchmarks/measurement/end_to_end.py")


def imports(path: Path, top_level_only: bool = False) -> set[str]:
    """Full names of imported modules, without those for type checkers only."""
    tree = tree_of(path)
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def packages(path: Path, top_level_only: bool = False) -> set[str]:
    return {name.partition(".")[0] for name in imports(path, top_level_only)}


def test_stages_do_not_import_each_other() -> None:
    stages = {path: path.relative_to(ROOT).parts[0] for path in FILES}
    others = {path: packages(path) & (set(COMMANDS) - {stage}) for path, stage in stages.items() if stage in STAGES}
    assert not {name_of(path): found for path, found in others.items() if found}


def test_the_library_and_what_pages_share_import_no_stage() -> None:
    library = [path for path in FILES if path.relative_to(ROOT).parts[0] in ("temper", "pages")]
    assert not [name_of(path) for path in library if packages(path) & {*COMMANDS, "experiments"}]


def test_the_library_imports_only_what_a_device_has() -> None:
    allowed = set(sys.stdlib_module_names) | LIGHT | {"temper"}
    library = [path for path in FILES if path.is_relative_to(ROOT / "temper") and "runners" not in path.parts]
    extra = {
        name_of(path): packages(path)
        - allowed
        - {p for place in OPTIONAL if name_of(path).startswith(place) for p in OPTIONAL[place]}
        for path in library
    }
    assert not {name: found for name, found in extra.items() if found}


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.name in ("run.py", "main.py") or p.parent.name == "commands"], ids=name_of
)
def test_a_command_imports_nothing_heavy_before_it_has_parsed(path: Path) -> None:
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        file = waiting.pop()
        seen.add(file)
        assert not packages(file, top_level_only=True) & HEAVY, name_of(file)
        for name in imports(file, top_level_only=True):
            for inside in (ROOT / (name.replace(".", "/") + ".py"), ROOT / name.replace(".", "/") / "__init__.py"):
                if inside.is_file() and inside not in seen:
                    waiting.append(inside)


def test_imports_form_no_circle() -> None:
    modules = {name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in FILES}
    arrows = {
        name: {other for other in imports(path, top_level_only=True) if other in modules and other != name}
        for name, path in modules.items()
    }
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join([*above[above.index(name) :], name])
        if name not in done:
            for other in arrows[name]:
                visit(other, (*above, name))
            done.add(name)

    for name in arrows:
        visit(name, ())


def test_only_commands_change_the_search_path() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in FILES}
    commands = {path for path, text in texts.items() if "run_command(parse, " in text}
    assert not [name_of(path) for path, text in texts.items() if "sys.path" in text and path not in commands]


def test_images_are_decoded_in_one_place() -> None:
    product = [path for path in FILES if not path.is_relative_to(ROOT / "experiments")]
    opening = {name_of(path) for path in product if "Image.open(" in path.read_text(encoding="utf-8")}
    assert opening == set(DECODING)
