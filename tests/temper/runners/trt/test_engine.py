from pathlib import Path
from types import ModuleType

import pytest

from temper.errors import ArtifactError
from temper.runners.trt.engine import Log, Plan, load_engine, make_logger
from temper.system.gpu import find_gpu


@pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU here")
def test_the_error_contains_the_real_runtimes_reason(tmp_path: Path) -> None:
    trt = pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed")
    plan = Plan(content=b"not a plan" * 100, path=tmp_path / "model.plan", has_host_code=False)
    with pytest.raises(ArtifactError, match="does not load"):
        load_engine(trt, plan, Log())


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
