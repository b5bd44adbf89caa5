import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest

from temper import formats
from temper.artifact import Artifact
from temper.card import Card, FileReference, Host, PlanInfo, Provenance
from temper.compatibility import check_compatibility, rebuild_command, runtime_of
from temper.errors import IncompatibleMachine, MissingRuntime
from temper.formats import FORMATS, Format
from temper.system.environment import Environment, Runtime, detect_environment
from temper.system.gpu import Gpu

PLAN = Path("engines/model.int8.plan")
L4 = Gpu(name="NVIDIA L4", compute_capability="8.9", driver="580.95.05", cuda="13.0")
H200 = dataclasses.replace(L4, name="NVIDIA H200", compute_capability="9.0")
TURING = dataclasses.replace(L4, name="NVIDIA T4", compute_capability="7.5")
BLACKWELL = Gpu(name="NVIDIA RTX 6000", compute_capability="12.1", driver="590.10", cuda="13.1")
OLD_DRIVER = dataclasses.replace(L4, driver="535.1", cuda="12.2")
TRT = {"tensorrt": Runtime(version="11.4.0.106", cuda=13)}
RTX = {"tensorrt_rtx": Runtime(version="1.7.1.116", cuda=13)}
LEAN = {"tensorrt_lean": Runtime(version="11.5.0.10", cuda=13)}
REBUILD = "python convert/run.py engines/model.keras engines/model.int8.plan --precision int8 --force"


def plan(module: str = "tensorrt", version: str = "11.4.0.106", system: str = "Linux x86_64", **info: Any) -> Artifact:
    """A plan built on an L4, or by TensorRT-RTX without a GPU."""
    built_on: dict[str, Any] = {}
    if module == "tensorrt":
        built_on = {"gpu": L4.name, "compute_capability": L4.compute_capability}
    card = Card(
        labels=("cat", "dog"),
        size=224,
        precision="int8",
        host=Host(system=system),
        provenance=Provenance(source=FileReference("model.int8.onnx", "")),
        plan=PlanInfo(module=module, version=version, **built_on, **info),
    )
    return Artifact.with_card(PLAN, card)


def rtx(**info: Any) -> Artifact:
    return plan("tensorrt_rtx", "1.7.1.116", **info)


def machine(gpu: Gpu | None = L4, tensorrt: dict[str, Runtime] | None = None, **fields: Any) -> Environment:
    fields = {"modules": frozenset({"cuda.bindings"}), **fields}
    return Environment(gpu=gpu, tensorrt=TRT if tensorrt is None else tensorrt, **fields)


RUNS = {
    "where it was built": (plan(), machine()),
    "in the same release with another build number": (plan(version="11.4.0.7"), machine()),
    "portable, in a later release": (plan(version="11.2.1.1", portable=("version",)), machine()),
    "portable, of TensorRT 10 in 11": (plan(version="10.13.0.35", portable=("version",)), machine()),
    "portable, by the lean runtime alone": (plan(portable=("version",)), machine(tensorrt=LEAN)),
    "for Ampere and later, on Hopper": (plan(portable=("ampere",)), machine(H200)),
    "with pycuda alone": (plan(), machine(modules=frozenset({"pycuda"}))),
    "with a driver of unknown CUDA version": (plan(), machine(dataclasses.replace(L4, cuda=""))),
    "TensorRT-RTX, on Ada": (rtx(), machine(tensorrt=RTX)),
    "TensorRT-RTX, on a GPU later than all it names": (rtx(), machine(BLACKWELL, RTX)),
    "TensorRT-RTX for Turing, on Turing": (rtx(compute_capabilities=("7.5",)), machine(TURING, RTX)),
    "TensorRT-RTX, built on Windows": (
        rtx(system="Windows x86_64"),
        machine(tensorrt=RTX),
    ),
}

FAILS = {
    "no GPU": (plan(), machine(None), "there is none here", "    engines/model.int8.onnx"),
    "a GPU without a driver": (
        plan(),
        machine(None, has_nvidia_device=True),
        "nvidia-smi",
        "    engines/model.int8.onnx",
    ),
    "another architecture": (plan(), machine(system="Linux aarch64"), "this is Linux aarch64", REBUILD),
    "another system": (plan(system="Windows x86_64"), machine(), "built on Windows", REBUILD),
    "nothing installed": (
        plan(),
        machine(tensorrt={}),
        "not installed",
        "pip install tensorrt-cu13==11.4.0.106 cuda-python",
    ),
    "nothing installed, CUDA 12": (
        plan(),
        machine(OLD_DRIVER, {}),
        "not installed",
        "pip install tensorrt-cu12==11.4.0.106 'cuda-python<13'",
    ),
    "only the lean runtime": (plan(), machine(tensorrt=LEAN), "not installed", "pip install tensorrt-cu13==11.4.0.106"),
    "the other TensorRT": (plan(), machine(tensorrt=RTX), "built by tensorrt 11.4", "pip install tensorrt-cu13"),
    "a package without its library": (
        plan(),
        machine(tensorrt={"tensorrt": Runtime(version="11.4.0.106", cuda=13, has_library=False)}),
        "without its library, libnvinfer",
        "pip install --force-reinstall tensorrt-cu13-libs==11.4.0.106",
    ),
    "an old driver": (
        plan(),
        machine(OLD_DRIVER),
        "supports CUDA 12.2 at most",
        "pip install tensorrt-cu12 'cuda-python<13'",
    ),
    "an older plan": (plan(version="11.3.0.1"), machine(), "built by tensorrt 11.3.0.1; this is 11.4.0.106", REBUILD),
    "a newer plan": (plan(version="11.5.0.1", portable=("version",)), machine(), "this is 11.4.0.106", REBUILD),
    "TensorRT 8's": (plan(version="8.6.1", portable=("version",)), machine(), "this is 11.4.0.106", REBUILD),
    "another GPU": (plan(), machine(H200), 'capability 8.9 ("NVIDIA L4"); this is 9.0 ("NVIDIA H200")', REBUILD),
    "older than Ampere": (plan(portable=("ampere",)), machine(TURING), "this is 7.5", REBUILD),
    "another capability": (plan(portable=("capability",)), machine(H200), "this is 9.0", REBUILD),
    "bindings newer than the driver": (
        plan(),
        machine(OLD_DRIVER, {"tensorrt": Runtime(version="11.4.0.106", cuda=12)}, bindings_cuda=13),
        "those installed are for CUDA 13, and the driver",
        "pip install 'cuda-python<13'",
    ),
    "no bindings": (plan(), machine(modules=frozenset()), "needs CUDA's Python bindings", "pip install cuda-python"),
    "RTX of another release": (
        plan("tensorrt_rtx", "1.6.0.1", portable=("version",)),
        machine(tensorrt=RTX),
        "built by tensorrt_rtx 1.6.0.1",
        REBUILD,
    ),
    "RTX on Turing": (rtx(), machine(TURING, RTX), "this is 7.5", "--builder-option compute_capabilities=7.5"),
    "RTX on Hopper": (
        rtx(),
        machine(H200, RTX),
        "which TensorRT-RTX does not support",
        "pip install tensorrt cuda-python",
    ),
    "RTX for others": (
        rtx(compute_capabilities=("8.6",)),
        machine(tensorrt=RTX),
        "8.6; this is 8.9",
        "compute_capabilities=8.9",
    ),
}


@pytest.mark.parametrize("case", RUNS)
def test_an_artifact_that_fits_the_machine_runs(case: str) -> None:
    assert check_compatibility(*RUNS[case]) is None


@pytest.mark.parametrize("case", FAILS)
def test_an_artifact_that_does_not_fit_is_refused_with_the_command_that_helps(case: str) -> None:
    artifact, environment, words, command = FAILS[case]
    problem = check_compatibility(artifact, environment)
    first, *others = str(problem).splitlines()
    assert words in first
    assert command in "\n".join(others)


VERSIONS = ("10.13.0.35", "11.3.0.5", "11.4.0.106", "11.5.0.1")
GPUS = (TURING, L4, H200, BLACKWELL)
PORTABLE = ("", "version", "ampere", "capability", "version ampere", "version capability")


@pytest.mark.parametrize(
    ("built", "now", "gpu", "portable"), list(itertools.product(VERSIONS, VERSIONS, GPUS, PORTABLE))
)
def test_version_and_gpu_decide_over_all_combinations(built: str, now: str, gpu: Gpu, portable: str) -> None:
    """The same rules in another way: releases in order of age, GPUs by identity."""
    release_fits = built == now or ("version" in portable and VERSIONS.index(now) > VERSIONS.index(built))
    gpu_fits = gpu is L4 or ("ampere" in portable and gpu is not TURING)
    environment = machine(gpu, {"tensorrt": Runtime(version=now, cuda=13)})
    problem = check_compatibility(plan(version=built, portable=tuple(portable.split())), environment)
    assert (problem is None) == (release_fits and gpu_fits)
    if problem:
        named = f"{built}; this is {now}" if not release_fits else f'this is {gpu.compute_capability} ("{gpu.name}")'
        assert named in problem.what
        assert problem.fix.endswith(REBUILD)


def test_the_error_says_whether_something_is_missing_or_the_machine_is_another() -> None:
    assert type(check_compatibility(plan(), machine(H200))) is IncompatibleMachine
    assert type(check_compatibility(plan(), machine(None))) is MissingRuntime


@pytest.mark.parametrize("format", [each for each in FORMATS if not each.needs_gpu], ids=lambda each: each.suffix)
def test_a_format_for_cpus_needs_its_libraries_and_no_gpu(format: Format) -> None:
    artifact = Artifact.with_card(Path(f"model.fp32{format.suffix}"), plan().card)
    problem = check_compatibility(artifact, machine(None, modules=frozenset()))
    assert problem and all(module in problem.what for module in (*format.requires, *format.requires_one))
    assert format.install in problem.fix
    for one in format.requires_one or ("",):
        assert check_compatibility(artifact, machine(None, modules=frozenset({*format.requires, one}))) is None


def test_a_made_up_format_in_formats_is_checked_by_its_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = Format(suffix=".made-up", title="Made Up", runner="no:Runner", requires=("made_up",), install="get it")
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, made_up))
    artifact = Artifact.with_card(Path("model.fp32.made-up"), plan().card)
    problem = check_compatibility(artifact, detect_environment())
    assert problem and "Not installed: made_up" in problem.what and "get it" in problem.fix
    assert check_compatibility(artifact, machine(modules=frozenset({"made_up"}))) is None


def test_a_format_that_needs_a_gpu_names_what_it_was_converted_from() -> None:
    artifact = Artifact.with_card(Path("model.fp16.tftrt"), plan().card.changed(plan=None, provenance=Provenance()))
    problem = check_compatibility(artifact, machine(None, modules=frozenset({"tensorflow"})))
    assert problem and "there is none here" in problem.what
    assert problem.fix.endswith("\n    model.keras")


def test_a_plan_of_unknown_origin_is_not_refused_for_what_its_card_omits() -> None:
    card = plan().card
    bare = card.changed(plan=PlanInfo(module="tensorrt", version="11.4.0.106"), host=Host())
    assert check_compatibility(Artifact.with_card(PLAN, bare), machine(H200)) is None
    assert check_compatibility(Artifact.with_card(PLAN, card.changed(plan=None)), machine(H200)) is None


def test_the_lean_runtime_loads_only_a_portable_plan() -> None:
    assert runtime_of(plan(portable=("version",)), machine(tensorrt=LEAN)) == "tensorrt_lean"
    assert runtime_of(plan(), machine(tensorrt=LEAN)) == ""
    assert runtime_of(plan(portable=("version",)), machine(tensorrt={**LEAN, **TRT})) == "tensorrt"


def test_the_command_to_build_again_is_one_that_convert_understands() -> None:
    run = pytest.importorskip("convert.run")
    program, *words = rebuild_command(plan()).removeprefix("python ").split()
    options = run.parse(words)
    assert program == "convert/run.py"
    assert (options.precision, options.force) == ("int8", True)
