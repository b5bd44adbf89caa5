"""The first NVIDIA GPU, asked of the driver itself: importing a GPU library to find out may crash."""

import ctypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

# CUdevice_attribute of cuda.h.
CAPABILITY_MAJOR, CAPABILITY_MINOR = 75, 76
DRIVER_VERSION_FILE = Path("/sys/module/nvidia/version")


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU. driver: its version, "580.95.05"; cuda: the newest CUDA that the driver speaks, "13.0"."""

    name: str
    compute_capability: str
    driver: str = ""
    cuda: str = ""


@lru_cache(maxsize=1)
def find_gpu() -> Gpu | None:
    """The first GPU, or None where there is none or no driver answers."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    count = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return None
    name = ctypes.create_string_buffer(256)
    if driver.cuDeviceGetName(name, len(name), 0):
        return None
    version = ctypes.c_int()
    driver.cuDriverGetVersion(ctypes.byref(version))
    return Gpu(
        name.value.decode(errors="replace"),
        f"{_attribute(driver, CAPABILITY_MAJOR)}.{_attribute(driver, CAPABILITY_MINOR)}",
        _driver_version(),
        f"{version.value // 1000}.{version.value % 1000 // 10}",
    )


def has_nvidia_device() -> bool:
    """True when an NVIDIA display or compute device sits on the PCI bus, driver or not."""
    for device in Path("/sys/bus/pci/devices").glob("*"):
        try:
            vendor, kind = ((device / name).read_text().strip() for name in ("vendor", "class"))
        except OSError:
            continue
        if vendor == "0x10de" and kind.startswith("0x03"):
            return True
    return False


def _attribute(driver: ctypes.CDLL, which: int) -> int:
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), which, 0)
    return value.value


def _driver_version() -> str:
    try:
        return DRIVER_VERSION_FILE.read_text(encoding="ascii").strip()
    except OSError:
        return _nvml_driver_version()


def _nvml_driver_version() -> str:
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return ""
    version = ctypes.create_string_buffer(80)
    if nvml.nvmlInit_v2() or nvml.nvmlSystemGetDriverVersion(version, len(version)):
        return ""
    return version.value.decode(errors="replace")
