"""What a runtime compiles from an int8 artifact is cached, and predicts bit for bit what the artifact itself does."""

from pathlib import Path

import numpy as np
import pytest

from temper.artifact import Artifact
from temper.runners import onnx_x86
from temper.runners.base import Images, Probabilities
from temper.runners.load import open_runner
from temper.storage.cache import cache_folder
from tests import tiny

IMAGES: Images = np.random.default_rng(5).integers(0, 256, (9, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(params=[".onnx", ".xml"])
def int8(request: pytest.FixtureRequest, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Artifact:
    """An int8 artifact of each runtime that caches something, and then an empty cache."""
    target = Artifact.at(bundle).sibling("int8", request.param)
    artifact = tiny.pipeline_of(bundle, calibration_method="max").build(target, "int8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return artifact


def predict(artifact: Artifact) -> Probabilities:
    with open_runner(artifact) as runner:
        return runner.predict(IMAGES)


def cached_files() -> list[Path]:
    return [path for path in cache_folder().rglob("*") if path.is_file()]


def test_a_second_start_predicts_the_same_and_compiles_nothing(int8: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    first = predict(int8)
    before = [(path, path.stat().st_mtime_ns) for path in cached_files()]
    assert len(before) == 1
    monkeypatch.delattr(onnx_x86, "rewrite_for_x86")
    assert np.array_equal(predict(int8), first)
    assert [(path, path.stat().st_mtime_ns) for path in cached_files()] == before


def test_the_executed_precision_is_read_back_from_the_cached_file(int8: Artifact) -> None:
    with open_runner(int8) as first:
        executed = first.runtime_info().executed
    with open_runner(int8) as second:
        assert second.runtime_info().executed == executed
    # Of the tiny network's three convolutions and its head.
    assert executed == "3 int8, 1 fp32" if int8.path.suffix == ".onnx" else executed.startswith("int8, rest ")


def test_without_a_cache_it_predicts_the_same(int8: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = predict(int8)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert np.array_equal(predict(int8), first)


def test_a_damaged_cached_file_is_compiled_again(int8: Artifact) -> None:
    first = predict(int8)
    (path,) = cached_files()
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    assert np.array_equal(predict(int8), first)
    (path,) = cached_files()
    assert path.read_bytes() != damaged


def test_another_processor_gets_a_file_of_its_own(int8: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    predict(int8)
    for runtime in ("onnxruntime", "openvino"):
        monkeypatch.setattr(f"temper.runners.{runtime}.describe_processor", lambda: "another")
    predict(int8)
    assert len(cached_files()) == 2


def test_nothing_is_cached_for_floating_point(int8: Artifact) -> None:
    predict(int8.sibling("fp32", ".onnx"))
    assert not cached_files()
