"""This machine, in the words a card or a report records."""

import os
import platform
from pathlib import Path


def describe_host() -> dict[str, str]:
    """Processor, cores, memory and system; no name or address of the machine."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count() or 1),
        "memory_gib": f"{_memory_bytes() / 2**30:.0f}",
        "system": f"{platform.system()} {platform.machine()}",
    }


def describe_processor() -> str:
    """Name and instruction sets of the processor, as far as the system tells them."""
    flags = next((line for line in _cpuinfo() if line.lower().startswith(("flags", "features"))), "")
    return f"{platform.machine()} {_processor()} {' '.join(sorted(flags.partition(':')[2].split()))}"


def _processor() -> str:
    lines = _cpuinfo()
    if not lines:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.lower().startswith(("model name", "hardware"))]
    return named[0] if named else platform.machine()


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0
