"""This machine as a card or a report records it, and its processor's instruction sets."""

import os
import platform
from functools import lru_cache
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
    fields = _cpuinfo(CPUINFO)
    return frozenset((fields.get("flags") or fields.get("features", "")).split())


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
    fields = _cpuinfo(CPUINFO)
    name = fields.get("model name") or fields.get("hardware") or platform.processor() or platform.machine()
    family, model = fields.get("cpu family"), fields.get("model")
    # Virtual machines call very different processors "AMD EPYC".
    return f"{name} (family {family}, model {model})" if family and model else name


@lru_cache(maxsize=1)
def _cpuinfo(path: Path) -> dict[str, str]:
    """The fields of the first processor by name, in lower case; empty where the system has no such file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0
