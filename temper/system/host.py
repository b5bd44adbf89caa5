"""This machine as a card or a report records it, and its processor's instruction sets."""

import os
import platform
from pathlib import Path

from temper.card import Host

CPUINFO = Path("/proc/cpuinfo")


def describe_host() -> Host:
    """Processor, cores, memory and system; no name or address of the machine. `device` is left empty."""
    return Host(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gib=round(_memory_bytes() / 2**30),
        system=system_name(),
    )


def system_name() -> str:
    """Operating system and architecture, "Linux x86_64"."""
    return f"{platform.system()} {platform.machine()}"


def describe_processor() -> str:
    """Architecture, name and instruction sets of the processor: what compiled kernels depend on."""
    return f"{platform.machine()} {_processor()} {' '.join(sorted(processor_flags()))}"


def processor_flags() -> frozenset[str]:
    """Instruction sets by their Linux names, such as "avx512_bf16"; empty where the system does not list them."""
    return frozenset(_cpuinfo("flags", "features").split())


def describe_int8(flags: frozenset[str]) -> str:
    """How a processor with these instruction sets computes int8; empty for one that is not known.

    On x86, ONNX Runtime has AMX kernels for matrix products (MLAS, qgemm_kernel_amx.cpp), and none for convolutions,
    where it stays with VNNI; OpenVINO has both.
    """
    if "amx_int8" in flags:
        return "AMX: use .xml, since ONNX Runtime computes convolutions without AMX"
    if flags & {"avx512_vnni", "avx_vnni"}:
        return "VNNI"
    if "avx2" in flags:
        return "AVX2, without VNNI"
    return "dot products" if "asimddp" in flags else ""


def _processor() -> str:
    return _cpuinfo("model name", "hardware") or platform.processor() or platform.machine()


def _cpuinfo(*names: str) -> str:
    """The value of the first field whose name, in lower case, begins with one of these; empty without one."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.lower().startswith(names)), "")


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0
