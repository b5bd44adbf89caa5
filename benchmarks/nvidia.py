"""What NVIDIA's driver says of the first GPU (NVML): clocks, heat, power, throttling, other processes, energy."""

from functools import lru_cache
from typing import Any

MEBI = 2**20


@lru_cache(maxsize=1)
def _device() -> tuple[Any, Any] | None:
    try:
        import pynvml
    except ModuleNotFoundError:
        return None
    try:
        pynvml.nvmlInit()
        return pynvml, pynvml.nvmlDeviceGetHandleByIndex(0)
    except pynvml.NVMLError:
        return None


def conditions() -> dict[str, str]:
    """The GPU's state now; empty where there is no GPU, no driver or no NVML. A field that it withholds is left out."""
    found = _device()
    if found is None:
        return {}
    nvml, gpu = found
    questions = {
        "name": lambda: nvml.nvmlDeviceGetName(gpu),
        "driver": nvml.nvmlSystemGetDriverVersion,
        "graphics_clock_mhz": lambda: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_SM),
        "memory_clock_mhz": lambda: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_MEM),
        "temperature_celsius": lambda: nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU),
        "power_watts": lambda: nvml.nvmlDeviceGetPowerUsage(gpu) / 1000,
        "throttle_reasons": lambda: hex(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(gpu)),
        "memory_used_mib": lambda: nvml.nvmlDeviceGetMemoryInfo(gpu).used // MEBI,
        "compute_processes": lambda: len(nvml.nvmlDeviceGetComputeRunningProcesses(gpu)),
    }
    answers = {}
    for name, ask in questions.items():
        try:
            answers[name] = str(ask())
        except nvml.NVMLError:
            continue
    return answers


def joules() -> float | None:
    """Energy the GPU has used since the driver was loaded; None where it cannot be told."""
    found = _device()
    if found is None:
        return None
    nvml, gpu = found
    try:
        return float(nvml.nvmlDeviceGetTotalEnergyConsumption(gpu)) / 1000
    except nvml.NVMLError:
        return None
