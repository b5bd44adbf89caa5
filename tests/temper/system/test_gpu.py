import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from temper.system import gpu
from temper.system.gpu import Gpu, find_gpu, has_nvidia_device


class Driver:
    """The part of libcuda that is called. error: what cuInit returns."""

    def __init__(self, devices: int = 1, error: int = 0) -> None:
        self.devices, self.error = devices, error

    def cuInit(self, flags: int) -> int:
        return self.error

    def cuDeviceGetCount(self, count: Any) -> int:
        count._obj.value = self.devices
        return 0

    def cuDeviceGetName(self, name: Any, size: int, device: int) -> int:
        name.value = b"NVIDIA L4"
        return 0

    def cuDeviceGetPCIBusId(self, bus: Any, size: int, device: int) -> int:
        bus.value = b"0000:01:00.0"
        return 0

    def cuDriverGetVersion(self, version: Any) -> int:
        version._obj.value = 13000
        return 0

    def cuDeviceGetAttribute(self, value: Any, attribute: int, device: int) -> int:
        value._obj.value = {75: 8, 76: 9}[attribute]
        return 0


@pytest.fixture(autouse=True)
def uncached() -> Iterator[None]:
    find_gpu.cache_clear()
    yield
    find_gpu.cache_clear()


def test_the_driver_describes_the_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "version").write_text("580.95.05\n")
    monkeypatch.setattr(gpu, "DRIVER_VERSION_FILE", tmp_path / "version")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver())
    assert find_gpu() == Gpu(
        name="NVIDIA L4", compute_capability="8.9", driver="580.95.05", cuda="13.0", pci_bus_id="0000:01:00.0"
    )


@pytest.mark.parametrize("driver", [Driver(devices=0), Driver(error=100)], ids=["no device", "no response"])
def test_a_driver_without_a_usable_device_is_no_gpu(monkeypatch: pytest.MonkeyPatch, driver: Driver) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: driver)
    assert find_gpu() is None


def test_without_a_driver_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert find_gpu() is None


def test_cuda_major_is_zero_when_the_version_is_unknown() -> None:
    assert Gpu(name="", compute_capability="8.9", cuda="12.2").cuda_major == 12
    assert Gpu(name="", compute_capability="8.9").cuda_major == 0


@pytest.mark.parametrize(
    ("vendor", "kind", "expected"),
    [("0x10de", "0x030200", True), ("0x10de", "0x040300", False), ("0x8086", "0x030000", False)],
    ids=["NVIDIA GPU", "NVIDIA audio", "another GPU"],
)
def test_an_nvidia_device_is_recognized_on_the_pci_bus(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, vendor: str, kind: str, expected: bool
) -> None:
    device = tmp_path / "0000:01:00.0"
    device.mkdir()
    (device / "vendor").write_text(vendor)
    (device / "class").write_text(kind)
    (tmp_path / "unreadable").mkdir()
    monkeypatch.setattr(gpu, "PCI_DEVICES", tmp_path)
    assert has_nvidia_device() is expected
