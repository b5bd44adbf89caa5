from pathlib import Path

import pytest

from temper.errors import UserError
from temper.runners.trt_engine import load_engine
from temper.runners.trt_log import Log
from temper.system.gpu import find_gpu


@pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU here")
def test_the_real_runtime_says_why_it_does_not_load(tmp_path: Path) -> None:
    trt = pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed")
    (tmp_path / "model.plan").write_bytes(b"not a plan" * 100)
    with pytest.raises(UserError, match="does not load"):
        load_engine(trt, tmp_path / "model.plan", False, Log())
