"""Is there an NVIDIA GPU here? Asked of the driver itself: importing a GPU library to find out may crash."""

import ctypes
from functools import lru_cache


@lru_cache(maxsize=1)
def find_gpu() -> str:
    """Name of the first NVIDIA GPU, or "" where there is none or no driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return ""
    count = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return ""
    name = ctypes.create_string_buffer(256)
    if driver.cuDeviceGetName(name, len(name), 0):
        return ""
    return name.value.decode(errors="replace")
