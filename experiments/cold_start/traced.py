"""Classify an image with the code of any tree, and print the processor time of each stage as JSON.

PYTHONPATH=TREE python experiments/cold_start/traced.py ARTIFACT IMAGE

Modules are changed when they are imported, so that nothing is imported earlier than without this program. It uses
nothing of its own tree, which may be another one.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

MARKS: list[tuple[str, float]] = [("Python itself", 0.0)]
INSIDE: dict[str, float] = {}
MAIN = "load: the rest"


def mark(stage: str) -> None:
    """Begin a stage of the main thread."""
    MARKS.append((stage, 1000 * time.thread_time()))


def timed(owner: Any, name: str, stage: str) -> None:
    """Count a function's time in the main thread as a stage inside the load."""
    function = getattr(owner, name)

    def call(*arguments: Any, **named: Any) -> Any:
        began = time.thread_time()
        result = function(*arguments, **named)
        INSIDE[stage] = INSIDE.get(stage, 0.0) + 1000 * (time.thread_time() - began)
        return result

    setattr(owner, name, call)


def begins(owner: Any, name: str, before: str, after: str) -> None:
    """Begin a stage when a function is called, and another one when it returns."""
    function = getattr(owner, name)

    def call(*arguments: Any, **named: Any) -> Any:
        mark(before)
        result = function(*arguments, **named)
        mark(after)
        return result

    setattr(owner, name, call)


def _change_load(module: ModuleType) -> None:
    begins(module, "load_runner", MAIN, "decoders and decoding")
    importer = type("Importer", (), {"import_module": staticmethod(importlib.import_module)})
    begins(importer, "import_module", "import numpy and the runtime", MAIN)
    module.importlib = importer  # type: ignore[attr-defined]


def _change_base(module: ModuleType) -> None:
    begins(module.Runner, "predict", "first inference", "result")


def _change_runner(module: ModuleType) -> None:
    timed(module, "get_cached", "load: read and check the cached file")
    if hasattr(module, "open_session"):
        timed(module, "open_session", "load: session")
    else:
        timed(module.ov.Core, "import_model", "load: session")


def _change_artifact(module: ModuleType) -> None:
    timed(module.Artifact, "check", "load: read and check the artifact")
    timed(module.Artifact, "copy_to", "load: read and check the artifact")


CHANGES: dict[str, Callable[[ModuleType], None]] = {
    "temper.artifact": _change_artifact,
    "temper.runners.load": _change_load,
    "temper.runners.base": _change_base,
    "temper.runners.onnxruntime": _change_runner,
    "temper.runners.openvino": _change_runner,
}


class Finder:
    """Changes modules of CHANGES after they were executed."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module as Python finds it."""
        if name not in CHANGES:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def change(module: ModuleType) -> None:
                execute(module)
                CHANGES[name](module)

            spec.loader.exec_module = change  # type: ignore[method-assign]
        return spec


def stages() -> dict[str, float]:
    """Milliseconds of each stage."""
    ends = [*(began for _, began in MARKS[1:]), 1000 * time.thread_time()]
    result: dict[str, float] = {}
    for (stage, began), end in zip(MARKS, ends, strict=True):
        result[stage] = result.get(stage, 0.0) + end - began
    if MAIN in result:
        result[MAIN] -= sum(INSIDE.values())
    result |= INSIDE
    result["other threads"] = 1000 * (time.process_time() - time.thread_time())
    return result


if __name__ == "__main__":
    mark("imports and options of the command")
    artifact, image = sys.argv[1:]
    sys.meta_path.insert(0, Finder)
    from infer import run
    from temper.cli import main

    options = run.parse(["--engine", artifact, image])
    mark("artifact and card")
    main.run(options)
    print(json.dumps(stages()))
