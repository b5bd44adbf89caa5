"""What NVIDIA's driver reports of the first GPU (NVML): clocks, temperature, power, throttling, processes, energy."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

MEBI = 2**20
MILLI = 1e-3


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


def _query(function: str, *arguments: Any) -> Any:
    """Call an NVML function; None where there is no GPU, no driver, no NVML, or the driver withholds the value."""
    device = _device()
    if device is None:
        return None
    nvml, _ = device
    try:
        return getattr(nvml, function)(*arguments)
    except nvml.NVMLError:
        return None


def gpu_state() -> dict[str, str]:
    """The GPU's state now; empty where there is none. A value that the driver withholds is left out."""
    device = _device()
    if device is None:
        return {}
    nvml, gpu = device
    queries: tuple[tuple[str, Callable[[Any], Any], str, tuple[Any, ...]], ...] = (
        ("name", str, "nvmlDeviceGetName", (gpu,)),
        ("driver", str, "nvmlSystemGetDriverVersion", ()),
        ("graphics_clock_mhz", str, "nvmlDeviceGetClockInfo", (gpu, nvml.NVML_CLOCK_SM)),
        ("memory_clock_mhz", str, "nvmlDeviceGetClockInfo", (gpu, nvml.NVML_CLOCK_MEM)),
        ("temperature_celsius", str, "nvmlDeviceGetTemperature", (gpu, nvml.NVML_TEMPERATURE_GPU)),
        ("power_watts", partial(_times, MILLI), "nvmlDeviceGetPowerUsage", (gpu,)),
        ("throttle_reasons", hex, "nvmlDeviceGetCurrentClocksThrottleReasons", (gpu,)),
        ("memory_used_mib", _used_mib, "nvmlDeviceGetMemoryInfo", (gpu,)),
        ("compute_processes", len, "nvmlDeviceGetComputeRunningProcesses", (gpu,)),
    )
    values = {name: (convert, _query(function, *arguments)) for name, convert, function, arguments in queries}
    return {name: str(convert(value)) for name, (convert, value) in values.items() if value is not None}


def process_memory_mib(process: int) -> float | None:
    """GPU memory that a process holds, in MiB; None where it is unknown."""
    device = _device()
    running = _query("nvmlDeviceGetComputeRunningProcesses", device[1]) if device else None
    used = {each.pid: each.usedGpuMemory for each in running or ()}
    # In a container the driver may count processes by numbers of the host, or withhold the memory.
    return used[process] / MEBI if used.get(process) else None


def energy_joules() -> float | None:
    """Energy that the GPU has used since the driver was loaded; None where it is unknown."""
    device = _device()
    millijoules = _query("nvmlDeviceGetTotalEnergyConsumption", device[1]) if device else None
    return None if millijoules is None else MILLI * float(millijoules)


def value_ranges(states: list[dict[str, str]]) -> dict[str, str]:
    """Of each number its lowest and highest value, of other values all that occurred."""
    names = list(dict.fromkeys(name for state in states for name in state))
    return {name: _range([state[name] for state in states if name in state]) for name in names}


def _range(values: list[str]) -> str:
    distinct = list(dict.fromkeys(values))
    try:
        numbers = sorted(float(value) for value in distinct)
    except ValueError:
        return ", ".join(distinct)
    return f"{numbers[0]:g}" if len(numbers) == 1 else f"{numbers[0]:g}–{numbers[-1]:g}"


def _times(factor: float, value: float) -> float:
    return round(factor * value, 3)


def _used_mib(memory: Any) -> int:
    return int(memory.used) // MEBI
