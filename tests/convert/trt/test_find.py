import logging
import types
from collections.abc import Callable

import pytest

from convert.trt import find
from convert.trt.find import Compiler, can_compile, find_tensorrt
from temper.errors import MissingRuntime
from temper.system.gpu import Gpu

L4 = Gpu(name="NVIDIA L4", compute_capability="8.9")


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A machine with or without a GPU, on which only the named modules, with their versions, are installed."""

    def install(gpu: Gpu | None, **versions: str) -> None:
        def import_module(name: str) -> object:
            if name not in versions:
                raise ImportError(name)
            return types.SimpleNamespace(__version__=versions[name])

        monkeypatch.setattr(find, "find_gpu", lambda: gpu)
        monkeypatch.setattr(find, "too_new_for_driver", lambda *_: None)
        monkeypatch.setattr(find, "importlib", types.SimpleNamespace(import_module=import_module))

    return install


def test_tensorrt_compiles_where_there_is_a_gpu_and_tensorrt_rtx_elsewhere(install: Callable[..., None]) -> None:
    versions = {"tensorrt": "10.9.0.34", "tensorrt_rtx": "1.2.0.54"}
    install(L4, **versions)
    assert find_tensorrt() == Compiler("tensorrt", "10.9.0.34")
    install(None, **versions)
    assert find_tensorrt() == Compiler("tensorrt_rtx", "1.2.0.54")


def test_tensorrt_rtx_compiles_on_a_gpu_without_tensorrt(install: Callable[..., None]) -> None:
    install(L4, tensorrt_rtx="1.2.0.54")
    assert find_tensorrt().module == "tensorrt_rtx"
    assert can_compile()


@pytest.mark.parametrize(("gpu", "where"), [(None, "has no NVIDIA GPU"), (L4, "is NVIDIA L4")])
def test_without_tensorrt_the_error_names_what_to_install(
    install: Callable[..., None], gpu: Gpu | None, where: str
) -> None:
    install(gpu)
    with pytest.raises(MissingRuntime, match=where) as caught:
        find_tensorrt()
    assert "pip install -r requirements-gpu.txt" in caught.value.fix
    assert "pip install tensorrt-rtx-cu13" in caught.value.fix


def test_an_old_tensorrt_is_refused(install: Callable[..., None]) -> None:
    install(L4, tensorrt="8.6.1")
    with pytest.raises(MissingRuntime, match=r"TensorRT 8\.6\.1 is too old; 10 or later is needed"):
        find_tensorrt()


def test_a_tensorrt_that_is_too_new_for_the_driver_is_refused(
    install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(L4, tensorrt="11.0.0")
    problem = MissingRuntime("tensorrt 11.0.0 is for CUDA 13", fix="Update the driver.")
    monkeypatch.setattr(find, "too_new_for_driver", lambda *_: problem)
    with pytest.raises(MissingRuntime, match=r"cannot be compiled here: tensorrt 11\.0\.0 is for CUDA 13\. Update"):
        find_tensorrt()


def test_only_a_machine_with_a_gpu_is_warned_that_no_plan_is_built(
    install: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    install(None)
    assert not can_compile()
    assert not caplog.records
    install(L4)
    assert not can_compile()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "no plan is built: " in caplog.messages[0]
