import sys

import pytest

from temper.errors import UserError
from temper.runners.trt import cuda
from temper.system.gpu import find_gpu

pytestmark = pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU here")


def test_without_bindings_it_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "cudart", None)
    monkeypatch.setitem(sys.modules, "pycuda", None)
    monkeypatch.setitem(sys.modules, "pycuda.driver", None)
    with pytest.raises(ImportError):
        cuda.open_cuda()
    assert cuda.record_graph(1, lambda: True) is None


@pytest.mark.skipif(cuda.cudart is None, reason="cuda-python is not installed")
def test_without_a_driver_cuda_python_raises_a_user_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycuda.driver", None)
    with pytest.raises(UserError, match="the GPU reports cudaErrorInsufficientDriver"):
        cuda.open_cuda()


@pytest.mark.skipif(cuda.cudart is None, reason="cuda-python is not installed")
def test_a_stream_that_cannot_be_recorded_gives_no_graph() -> None:
    assert cuda.record_graph(1, lambda: True) is None
