from types import SimpleNamespace

import pytest

from benchmarks.measurement import gpu_telemetry
from temper.system.gpu import find_gpu


def test_without_a_gpu_nothing_is_reported() -> None:
    if find_gpu():
        pytest.skip("there is a GPU here")
    assert gpu_telemetry.gpu_state() == {}
    assert gpu_telemetry.energy_joules() is None
    assert gpu_telemetry.process_memory_mib(1) is None


def test_states_become_a_range_of_numbers_and_a_list_of_other_values() -> None:
    states = [
        {"graphics_clock_mhz": "1980", "throttle_reasons": "0x0", "name": "NVIDIA L4"},
        {"graphics_clock_mhz": "345", "throttle_reasons": "0x4", "name": "NVIDIA L4"},
        {},
        {"graphics_clock_mhz": "1200", "throttle_reasons": "0x0", "name": "NVIDIA L4"},
    ]
    assert gpu_telemetry.value_ranges(states) == {
        "graphics_clock_mhz": "345–1980",
        "throttle_reasons": "0x0, 0x4",
        "name": "NVIDIA L4",
    }
    assert gpu_telemetry.value_ranges([{}]) == {}


class SimulatedNvml:
    """pynvml with two processes on a GPU, the memory of one of which it withholds, as it does the clocks."""

    NVMLError = RuntimeError
    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 0, 1, 0

    def nvmlDeviceGetComputeRunningProcesses(self, gpu: object) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=7, usedGpuMemory=300 * 2**20), SimpleNamespace(pid=8, usedGpuMemory=None)]

    def nvmlDeviceGetName(self, gpu: object) -> str:
        return "NVIDIA L4"

    def nvmlSystemGetDriverVersion(self) -> str:
        return "580.95.05"

    def nvmlDeviceGetClockInfo(self, gpu: object, clock: int) -> int:
        raise RuntimeError("not supported")

    def nvmlDeviceGetTemperature(self, gpu: object, sensor: int) -> int:
        return 41

    def nvmlDeviceGetPowerUsage(self, gpu: object) -> int:
        return 32_500

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, gpu: object) -> int:
        return 4

    def nvmlDeviceGetMemoryInfo(self, gpu: object) -> SimpleNamespace:
        return SimpleNamespace(used=512 * 2**20)

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: object) -> int:
        return 1500


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_telemetry, "_device", lambda: (SimulatedNvml(), None))


@pytest.mark.usefixtures("simulated")
def test_memory_is_that_of_the_process() -> None:
    assert [gpu_telemetry.process_memory_mib(process) for process in (7, 8, 9)] == [300.0, None, None]


@pytest.mark.usefixtures("simulated")
def test_a_value_that_the_driver_withholds_is_left_out() -> None:
    assert gpu_telemetry.gpu_state() == {
        "name": "NVIDIA L4",
        "driver": "580.95.05",
        "temperature_celsius": "41",
        "power_watts": "32.5",
        "throttle_reasons": "0x4",
        "memory_used_mib": "512",
        "compute_processes": "2",
    }
    assert gpu_telemetry.energy_joules() == 1.5


def test_with_a_gpu_its_state_is_reported() -> None:
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    if not find_gpu():
        pytest.skip("no NVIDIA GPU here")
    state = gpu_telemetry.gpu_state()
    assert int(state["graphics_clock_mhz"]) > 0
    assert int(state["temperature_celsius"]) > 0
    assert (gpu_telemetry.energy_joules() or 0) > 0
