import pytest

from benchmarks import nvidia
from temper.gpu import find_gpu


def test_without_a_gpu_nothing_is_claimed() -> None:
    if find_gpu():
        pytest.skip("there is a GPU here")
    assert nvidia.conditions() == {}
    assert nvidia.joules() is None


def test_with_a_gpu_its_state_is_told() -> None:
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    if not find_gpu():
        pytest.skip("no NVIDIA GPU here")
    told = nvidia.conditions()
    assert int(told["graphics_clock_mhz"]) > 0
    assert int(told["temperature_celsius"]) > 0
    assert (nvidia.joules() or 0) > 0
