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


def range_of(seen: list[dict[str, str]]) -> dict[str, str]:
    """From the lowest to the highest of each number that was seen, every value of the rest."""
    names = list(dict.fromkeys(name for each in seen for name in each))
    return {name: _range([each[name] for each in seen if name in each]) for name in names}


def memory_mib(process: int) -> float | None:
    """GPU memory that a process holds, in MiB; None where it cannot be told."""
    found = _device()
    if found is None:
        return None
    nvml, gpu = found
    try:
        held = {each.pid: each.usedGpuMemory for each in nvml.nvmlDeviceGetComputeRunningProcesses(gpu)}
    except nvml.NVMLError:
        return None
    # In a container the driver may count processes by numbers of the host, or withhold the memory.
    return held[process] / MEBI if held.get(process) else None


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


def _range(values: list[str]) -> str:
    different = list(dict.fromkeys(values))
    try:
        numbers = sorted(float(value) for value in different)
    except ValueError:
        return ", ".join(different)
    return f"{numbers[0]:g}" if len(numbers) == 1 else f"{numbers[0]:g}–{numbers[-1]:g}"
