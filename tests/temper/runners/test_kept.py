"""What a runtime made of an int8 artifact is kept, and answers to the bit as the artifact itself does."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from convert.exporters.openvino_ir import to_openvino
from convert.precision.calibration import calibrate
from convert.precision.qdq import to_int8
from temper.card import read_card, write_card
from temper.formats import format_of, open_runner
from temper.runners import onnx_x86, onnxruntime
from temper.runners.base import Images, Probabilities
from temper.storage.atomic import sha256_of
from temper.storage.cache import cache_folder

PICTURES: Images = np.random.default_rng(5).integers(0, 256, (9, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(params=[".onnx", ".xml"])
def int8(request: pytest.FixtureRequest, bundle: Path) -> Path:
    """An int8 artifact of each runtime that keeps something."""
    fp32, onnx = bundle.with_name("model.fp32.onnx"), bundle.with_name("model.int8.onnx")
    to_int8(fp32, onnx, calibrate(fp32, [PICTURES], "max"))
    artifact = onnx.with_suffix(request.param)
    if request.param == ".xml":
        to_openvino(onnx, artifact)
    sha256 = sha256_of(*format_of(artifact).files(artifact))
    write_card(artifact, dataclasses.replace(read_card(fp32), precision="int8", sha256=sha256))
    return artifact


def answers(artifact: Path) -> Probabilities:
    with open_runner(artifact) as runner:
        return runner.predict(PICTURES)


def kept() -> list[Path]:
    return [path for path in cache_folder().rglob("*") if path.is_file()]


def test_a_second_start_answers_the_same_and_makes_nothing(int8: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = answers(int8)
    made = [(path, path.stat().st_mtime_ns) for path in kept()]
    assert len(made) == 1
    monkeypatch.delattr(onnx_x86, "rewrite_for_x86")
    assert np.array_equal(answers(int8), first)
    assert [(path, path.stat().st_mtime_ns) for path in kept()] == made


def test_the_kernels_that_run_are_read_back_from_what_is_kept(int8: Path, tmp_path: Path) -> None:
    with open_runner(int8) as first:
        told = first.facts()["executed"]
    with open_runner(int8) as second:
        assert second.facts()["executed"] == told
    # Of the tiny network's three convolutions and its head.
    assert told == "3 int8, 1 fp32" if int8.suffix == ".onnx" else told.startswith("int8, rest ")


def test_without_a_cache_it_answers_the_same(int8: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = answers(int8)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert np.array_equal(answers(int8), first)


def test_a_damaged_cache_is_made_again(int8: Path) -> None:
    first = answers(int8)
    (path,) = kept()
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    assert np.array_equal(answers(int8), first)
    (path,) = kept()
    assert path.read_bytes() != damaged


def test_another_processor_gets_one_of_its_own(int8: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(int8)
    for runtime in ("onnxruntime", "openvino"):
        monkeypatch.setattr(f"temper.runners.{runtime}.describe_processor", lambda: "another")
    answers(int8)
    assert len(kept()) == 2


def test_floats_keep_nothing(int8: Path) -> None:
    answers(int8.with_name("model.fp32.onnx"))
    assert not kept()


def test_the_runner_reads_what_the_rewriter_writes() -> None:
    assert onnxruntime.KERNELS == onnx_x86.KERNELS
