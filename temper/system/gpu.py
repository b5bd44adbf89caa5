"""The first NVIDIA GPU, as its driver describes it: importing a GPU library to find out may crash."""

import ctypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

# CUdevice_attribute of cuda.h.
CAPABILITY_MAJOR, CAPABILITY_MINOR = 75, 76
DRIVER_VERSION_FILE = Path("/sys/module/nvidia/version")
PCI_DEVICES = Path("/sys/bus/pci/devices")
NVIDIA_VENDOR, DISPLAY_CLASS = "0x10de", "0x03"


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """An NVIDIA GPU. What is not known is empty.

    compute_capability: "8.9". driver: its version, "580.95.05". cuda: the newest CUDA version that the driver supports,
    "13.0". pci_bus_id: "0000:01:00.0"; NVML, which numbers GPUs in another order, finds the same GPU by it.
    """

    name: str
    compute_capability: str
    driver: str = ""
    cuda: str = ""
    pci_bus_id: str = ""

    @property
    def cuda_major(self) -> int:
        """Major version of `cuda`; 0 when it is not known."""
        return int(self.cuda.partition(".")[0] or 0)


@lru_cache(maxsize=1)
def find_gpu() -> Gpu | None:
    """The GPU that CUDA uses first, or None where there is none or its driver does not respond.

    CUDA is asked, not NVML: NVML ignores CUDA_VISIBLE_DEVICES, sorts GPUs differently, and is not on every Jetson.
    """
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    count, cuda = ctypes.c_int(), ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return None
    name, bus = ctypes.create_string_buffer(256), ctypes.create_string_buffer(32)
    if driver.cuDeviceGetName(name, len(name), 0):
        return None
    driver.cuDeviceGetPCIBusId(bus, len(bus), 0)
    driver.cuDriverGetVersion(ctypes.byref(cuda))
    return Gpu(
        name=name.value.decode(errors="replace"),
        compute_capability=f"{_attribute(driver, CAPABILITY_MAJOR)}.{_attribute(driver, CAPABILITY_MINOR)}",
        driver=_driver_version(),
        cuda=f"{cuda.value // 1000}.{cuda.value % 1000 // 10}",
        pci_bus_id=bus.value.decode(errors="replace"),
    )


def has_nvidia_device() -> bool:
    """True when an NVIDIA display or compute device is on the PCI bus, with or without a driver."""
    for device in PCI_DEVICES.glob("*"):
        try:
            vendor, kind = ((device / name).read_text().strip() for name in ("vendor", "class"))
        except OSError:
            continue
        if vendor == NVIDIA_VENDOR and kind.startswith(DISPLAY_CLASS):
            return True
    return False


def _attribute(driver: ctypes.CDLL, attribute: int) -> int:
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, 0)
    return value.value


def _driver_version() -> str:
    try:
        return DRIVER_VERSION_FILE.read_text(encoding="ascii").strip()
    except OSError:
        return _driver_version_of_nvml()


def _driver_version_of_nvml() -> str:
    # Under Windows' Linux subsystem there is no such file.
    try:
        import pynvml
    except ModuleNotFoundError:
        return ""
    try:
        pynvml.nvmlInit()
        return str(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError:
        return ""
