from pathlib import Path

import pytest

from temper.system import host
from temper.system.host import describe_host, describe_int8, describe_processor, processor_flags

X86 = "processor : 0\nmodel name : AMD EPYC 9B14\nvmx flags : none\nflags : fpu avx512_bf16\nflags : other\n"
CLOUD = "cpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nflags\t\t: fpu\n"
ARM = "processor : 0\nFeatures : fp asimd bf16\nHardware : NVIDIA Orin\n"


@pytest.mark.parametrize(
    ("text", "name", "flags"),
    [
        (X86, "AMD EPYC 9B14", {"fpu", "avx512_bf16"}),
        (CLOUD, "AMD EPYC (family 25, model 17)", {"fpu"}),
        (ARM, "NVIDIA Orin", {"fp", "asimd", "bf16"}),
    ],
    ids=["x86", "a virtual machine", "arm"],
)
def test_the_processor_and_its_instruction_sets_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str, flags: set[str]
) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(host, "CPUINFO", tmp_path / "cpuinfo")
    assert describe_host().processor == name
    assert processor_flags() == flags
    assert describe_processor().endswith(f"{name} {' '.join(sorted(flags))}")


def test_a_system_without_cpuinfo_is_described_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "CPUINFO", tmp_path / "missing")
    assert describe_host().processor
    assert processor_flags() == frozenset()


def test_this_machine_is_described() -> None:
    described = describe_host()
    assert described.cores >= 1 and described.memory_gib >= 1
    assert len(described.system.split()) == 2


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"avx2", "avx512_vnni", "amx_int8"}, "AMX: use .xml"),
        ({"avx2", "avx512_vnni"}, "VNNI"),
        ({"avx2", "avx_vnni"}, "VNNI"),
        ({"avx2"}, "AVX2, without VNNI"),
        ({"asimddp"}, "dot products"),
    ],
)
def test_how_a_processor_computes_int8_is_described(flags: set[str], expected: str) -> None:
    assert describe_int8(frozenset(flags)).startswith(expected)


def test_an_unknown_processor_is_not_described() -> None:
    assert describe_int8(frozenset()) == ""
