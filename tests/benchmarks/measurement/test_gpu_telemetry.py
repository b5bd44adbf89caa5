from types import SimpleNamespace

import pytest

from benchmarks.measurement import gpu_telemetry as nvidia
from temper.system.gpu import find_gpu


def test_without_a_gpu_nothing_is_claimed() -> None:
    if find_gpu():
        pytest.skip("there is a GPU here")
    assert nvidia.conditions() == {}
    assert nvidia.joules() is None
    assert nvidia.memory_mib(1) is None


def test_what_was_seen_becomes_a_range_of_numbers_and_a_list_of_the_rest() -> None:
    seen = [
        {"graphics_clock_mhz": "1980", "throttle_reasons": "0x0", "name": "NVIDIA L4"},
        {"graphics_clock_mhz": "345", "throttle_reasons": "0x4", "name": "NVIDIA L4"},
        {},
        {"graphics_clock_mhz": "1200", "throttle_reasons": "0x0", "name": "NVIDIA L4"},
    ]
    assert nvidia.range_of(seen) == {
        "graphics_clock_mhz": "345–1980",
        "throttle_reasons": "0x0, 0x4",
        "name": "NVIDIA L4",
    }
    assert nvidia.range_of([{}]) == {}


class DriverOfTwo:
    """As pynvml tells of two processes on a GPU, one of whose memory it withholds."""

    NVMLError = RuntimeError

    def nvmlDeviceGetComputeRunningProcesses(self, gpu: object) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=7, usedGpuMemory=300 * 2**20), SimpleNamespace(pid=8, usedGpuMemory=None)]


def test_memory_is_told_of_the_process_that_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "_device", lambda: (DriverOfTwo(), None))
    assert [nvidia.memory_mib(process) for process in (7, 8, 9)] == [300.0, None, None]


def test_with_a_gpu_its_state_is_told() -> None:
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    if not find_gpu():
        pytest.skip("no NVIDIA GPU here")
    told = nvidia.conditions()
    assert int(told["graphics_clock_mhz"]) > 0
    assert int(told["temperature_celsius"]) > 0
    assert (nvidia.joules() or 0) > 0
