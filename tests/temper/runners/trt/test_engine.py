from pathlib import Path

import pytest

from temper.errors import ArtifactError
from temper.runners.trt.engine import load_engine
from temper.runners.trt.log import Log
from temper.system.gpu import find_gpu


@pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU here")
def test_the_error_contains_the_real_runtimes_reason(tmp_path: Path) -> None:
    trt = pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed")
    (tmp_path / "model.plan").write_bytes(b"not a plan" * 100)
    with pytest.raises(ArtifactError, match="does not load"):
        load_engine(trt, tmp_path / "model.plan", False, Log())
