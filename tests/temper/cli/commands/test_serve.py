import builtins
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from temper.cli import main
from temper.cli.commands import serve
from temper.errors import MissingRuntime, UsageError


def test_names_are_those_of_models_or_of_files_where_one_model_has_several(bundle: Path, tmp_path: Path) -> None:
    onnx = bundle.with_name("model.fp32.onnx")
    assert list(serve.named([onnx])) == ["model"]
    second = bundle.with_name("model.int8.onnx")
    assert list(serve.named([onnx, second, onnx])) == ["model.fp32.onnx", "model.int8.onnx"]
    shutil.copytree(bundle.parent, tmp_path / "again")
    with pytest.raises(UsageError, match=r"two artifacts are called model\.fp32\.onnx"):
        serve.named([onnx, tmp_path / "again" / onnx.name])


def test_of_a_folder_the_best_artifact_is_served(bundle: Path) -> None:
    assert [each.name for each in serve.named([bundle.parent]).values()] == ["model.fp32.onnx"]


@pytest.mark.parametrize(
    "words", [["--port", "70000"], ["--max-batch", "0"], ["--deadline-ms", "nan"], ["--max-wait-ms", "-1"], []]
)
def test_values_outside_of_their_limits_are_a_usage_error(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.parse(["serve", *words, *(["a.onnx"] if words else [])])
    assert caught.value.code == 2


def test_options_that_contradict_each_other_are_named() -> None:
    with pytest.raises(UsageError, match="--ssl-keyfile needs --ssl-certfile"):
        main.run(main.parse(["serve", "a.onnx", "--ssl-keyfile", "key.pem"]))
    with pytest.raises(UsageError, match="--deadline-ms is 0"):
        main.run(main.parse(["serve", "a.onnx", "--deadline-ms", "0"]))
    with pytest.raises(UsageError, match="--max-wait-ms is 50, and --deadline-ms 50: a request would wait"):
        main.run(main.parse(["serve", "a.onnx", "--deadline-ms", "50", "--max-wait-ms", "50"]))


def test_without_its_libraries_the_command_says_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without_uvicorn(name: str, *arguments: Any, **named: Any) -> Any:
        if name.startswith("temper.serve"):
            raise ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn")
        return original(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without_uvicorn)
    for name in [each for each in sys.modules if each.startswith("temper.serve")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingRuntime, match="pip install starlette uvicorn"):
        main.run(main.parse(["serve", "a.onnx"]))
