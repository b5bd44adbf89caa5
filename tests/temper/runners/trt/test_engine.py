from enum import IntFlag
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from temper.errors import ArtifactError
from temper.runners.trt.engine import INVALID, Log, Plan, load_engine, make_logger
from temper.system.gpu import find_gpu


@pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU here")
def test_the_error_contains_the_real_runtimes_reason(tmp_path: Path) -> None:
    trt = pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed")
    plan = Plan(content=b"not a plan" * 100, path=tmp_path / "model.plan", has_host_code=False)
    with pytest.raises(ArtifactError, match="does not load"):
        load_engine(trt, plan, Log())


class Rtx:
    """The part of TensorRT-RTX that answers whether an engine is valid, and loads nothing."""

    EngineValidity = SimpleNamespace(VALID=0, SUBOPTIMAL=1, INVALID=2)
    EngineInvalidityDiagnostics = IntFlag("EngineInvalidityDiagnostics", {"VERSION_MISMATCH": 1, "UNSUPPORTED_CC": 2})
    ILogger = type("ILogger", (), {"__init__": lambda self: None, "ERROR": 1, "INTERNAL_ERROR": 0})
    __name__, __version__ = "tensorrt_rtx", "1.7.1"

    def __init__(self, validity: int, diagnostics: int) -> None:
        self.answer = (validity, diagnostics)
        self.asked: list[bytes] = []
        self.loaded: list[bytes] = []

    def Runtime(self, logger: object) -> SimpleNamespace:
        def ask(content: bytes) -> tuple[int, int]:
            self.asked.append(content)
            return self.answer

        def load(content: bytes) -> str:
            self.loaded.append(content)
            return "engine"

        return SimpleNamespace(engine_header_size=4, get_engine_validity=ask, deserialize_cuda_engine=load)


PLAN = Plan(content=b"headerbody", path=Path("model.plan"), has_host_code=False)


@pytest.mark.parametrize(
    ("diagnostics", "reason"),
    [
        (1, "another version of TensorRT-RTX built it"),
        (3, "another version of TensorRT-RTX built it and it is not for GPUs of this compute capability"),
        (0, "it gives no reason"),
    ],
)
def test_a_plan_that_is_invalid_by_its_header_is_refused_with_the_reason(diagnostics: int, reason: str) -> None:
    trt = Rtx(2, diagnostics)
    with pytest.raises(ArtifactError, match=rf"tensorrt_rtx 1\.7\.1 does not load model\.plan: {reason}\."):
        load_engine(trt, PLAN, Log())  # type: ignore[arg-type]
    assert (trt.asked, trt.loaded) == ([b"head"], [])


def test_a_plan_that_is_valid_or_only_slower_is_loaded(caplog: pytest.LogCaptureFixture) -> None:
    for validity in (0, 1):
        assert load_engine(Rtx(validity, 0), PLAN, Log()) == "engine"  # type: ignore[arg-type]
        assert ("built here, it may be faster" in caplog.text) == bool(validity)


def test_the_real_runtime_has_every_diagnostic_that_is_explained() -> None:
    trt = pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed")
    assert set(INVALID) == set(trt.EngineInvalidityDiagnostics.__members__)


def test_errors_and_the_list_of_layers_are_stored() -> None:
    trt = ModuleType("tensorrt")
    trt.ILogger = type("ILogger", (), {"ERROR": 1, "INTERNAL_ERROR": 0})  # type: ignore[attr-defined]
    log = Log()
    assert log.reason == "it gives no reason"
    logger = make_logger(trt, log)
    for severity, message in ((3, "hello"), (4, "Layers:\nName: a"), (1, "out of memory.\nin file x"), (0, "later")):
        logger.log(severity, message)
    assert log.reason == "out of memory"
    assert log.layers == "Layers:\nName: a"
