import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest

from temper.card import Card
from temper.compatibility import check_compatibility, runtime_of
from temper.system.environment import Here, Runtime, describe, detect_environment
from temper.system.gpu import Gpu

PLAN = Path("engines/model.int8.plan")
L4 = Gpu("NVIDIA L4", "8.9", "580.95.05", "13.0")
H200 = Gpu("NVIDIA H200", "9.0", "580.95.05", "13.0")
GTX = Gpu("NVIDIA T4", "7.5", "580.95.05", "13.0")
BLACKWELL = Gpu("NVIDIA RTX 6000", "12.1", "590.10", "13.1")
OLD_DRIVER = dataclasses.replace(L4, driver="535.1", cuda="12.2")
FULL = {"tensorrt": Runtime("11.4.0.106", 13)}
RTX = {"tensorrt_rtx": Runtime("1.7.1.116", 13)}
LEAN = {"tensorrt_lean": Runtime("11.5.0.10", 13)}
REBUILD = "python convert/run.py engines/model.keras engines/model.int8.plan --precision int8 --force"


def card(runtime: str = "tensorrt", version: str = "11.4.0.106", **made_on: str) -> Card:
    """Of a plan built on an L4, or by TensorRT-RTX without a GPU."""
    where = {"gpu": L4.name, "compute_capability": L4.compute_capability} if runtime == "tensorrt" else {}
    return Card(
        ("cat", "dog"),
        224,
        "int8",
        made_from={"file": "model.int8.onnx"},
        made_with={runtime: version},
        made_on={"system": "Linux x86_64", **where, **made_on},
    )


def here(gpu: Gpu | None = L4, tensorrt: dict[str, Runtime] | None = None, **changed: Any) -> Here:
    facts = {"modules": frozenset({"cuda.bindings"}), **changed}
    return Here(gpu=gpu, tensorrt=FULL if tensorrt is None else tensorrt, **facts)


RUNS = {
    "where it was built": (card(), here()),
    "in the same release with another build number": (card(version="11.4.0.7"), here()),
    "portable, in a later release": (card(version="11.2.1.1", portable="version"), here()),
    "portable, of TensorRT 10 in 11": (card(version="10.13.0.35", portable="version"), here()),
    "portable, by the lean runtime alone": (card(portable="version"), here(tensorrt=LEAN)),
    "for Ampere and later, on Hopper": (card(portable="ampere"), here(H200)),
    "with pycuda alone": (card(), here(modules=frozenset({"pycuda"}))),
    "with a driver that tells no CUDA version": (card(), here(dataclasses.replace(L4, cuda=""))),
    "TensorRT-RTX, on Ada": (card("tensorrt_rtx", "1.7.1.116"), here(tensorrt=RTX)),
    "TensorRT-RTX, on a GPU later than all it names": (card("tensorrt_rtx", "1.7.1.116"), here(BLACKWELL, RTX)),
    "TensorRT-RTX for Turing, on Turing": (card("tensorrt_rtx", "1.7.1.116", targets="7.5"), here(GTX, RTX)),
    "TensorRT-RTX, built on Windows": (
        card("tensorrt_rtx", "1.7.1.116", system="Windows x86_64"),
        here(tensorrt=RTX),
    ),
}

FAILS = {
    "no GPU": (card(), here(None), "there is none here", "--engine engines/model.int8.onnx"),
    "a card without a driver": (card(), here(None, has_card=True), "nvidia-smi", "--engine engines/model.int8.onnx"),
    "another architecture": (card(), here(system="Linux aarch64"), "this is Linux aarch64", REBUILD),
    "another system": (card(system="Windows x86_64"), here(), "built on Windows", REBUILD),
    "nothing installed": (
        card(),
        here(tensorrt={}),
        "not installed",
        "pip install tensorrt-cu13==11.4.0.106 cuda-python",
    ),
    "nothing installed, CUDA 12": (
        card(),
        here(OLD_DRIVER, {}),
        "not installed",
        "pip install tensorrt-cu12==11.4.0.106 'cuda-python<13'",
    ),
    "only the lean runtime": (card(), here(tensorrt=LEAN), "not installed", "pip install tensorrt-cu13==11.4.0.106"),
    "the other TensorRT": (card(), here(tensorrt=RTX), "built by tensorrt 11.4", "pip install tensorrt-cu13"),
    "a package without its library": (
        card(),
        here(tensorrt={"tensorrt": Runtime("11.4.0.106", 13, whole=False)}),
        "without its library, libnvinfer",
        "pip install --force-reinstall tensorrt-cu13-libs==11.4.0.106",
    ),
    "an old driver": (
        card(),
        here(OLD_DRIVER),
        "speaks CUDA 12.2 at most",
        "pip install tensorrt-cu12 'cuda-python<13'",
    ),
    "an older plan": (card(version="11.3.0.1"), here(), "built by tensorrt 11.3.0.1; this is 11.4.0.106", REBUILD),
    "a newer plan": (card(version="11.5.0.1", portable="version"), here(), "this is 11.4.0.106", REBUILD),
    "TensorRT 8's": (card(version="8.6.1", portable="version"), here(), "this is 11.4.0.106", REBUILD),
    "another GPU": (card(), here(H200), 'capability 8.9 ("NVIDIA L4"); this is 9.0 ("NVIDIA H200")', REBUILD),
    "older than Ampere": (card(portable="ampere"), here(GTX), "this is 7.5", REBUILD),
    "another capability": (card(portable="capability"), here(H200), "this is 9.0", REBUILD),
    "bindings newer than the driver": (
        card(),
        here(OLD_DRIVER, {"tensorrt": Runtime("11.4.0.106", 12)}, bindings_cuda=13),
        "those installed are for CUDA 13, and the driver",
        "pip install 'cuda-python<13'",
    ),
    "no bindings": (card(), here(modules=frozenset()), "needs CUDA's Python bindings", "pip install cuda-python"),
    "RTX of another release": (
        card("tensorrt_rtx", "1.6.0.1", portable="version"),
        here(tensorrt={"tensorrt_rtx": Runtime("1.7.1.116", 13)}),
        "built by tensorrt_rtx 1.6.0.1",
        REBUILD,
    ),
    "RTX on Turing": (card("tensorrt_rtx", "1.7.1.116"), here(GTX, RTX), "this is 7.5", "--builder for=7.5"),
    "RTX on Hopper": (
        card("tensorrt_rtx", "1.7.1.116"),
        here(H200, RTX),
        "which TensorRT-RTX does not serve",
        "pip install -r requirements-gpu.txt",
    ),
    "RTX for others": (
        card("tensorrt_rtx", "1.7.1.116", targets="8.6"),
        here(tensorrt=RTX),
        "8.6; this is 8.9",
        "for=8.9",
    ),
}


@pytest.mark.parametrize("case", RUNS)
def test_it_runs(case: str) -> None:
    assert check_compatibility(PLAN, *RUNS[case]) == ""


@pytest.mark.parametrize("case", FAILS)
def test_it_does_not_run_and_the_command_that_helps_is_given(case: str) -> None:
    built, machine, words, command = FAILS[case]
    said = check_compatibility(PLAN, built, machine)
    assert words in said.splitlines()[0]
    assert command in "\n".join(said.splitlines()[1:])


VERSIONS = ("10.13.0.35", "11.3.0.5", "11.4.0.106", "11.5.0.1")
GPUS = (GTX, L4, H200, BLACKWELL)
PORTABLE = ("", "version", "ampere", "capability", "version ampere", "version capability")


@pytest.mark.parametrize(
    ("built", "now", "gpu", "portable"), list(itertools.product(VERSIONS, VERSIONS, GPUS, PORTABLE))
)
def test_version_and_gpu_decide_over_all_combinations(built: str, now: str, gpu: Gpu, portable: str) -> None:
    """Said a second way: releases in order of age, GPUs by number."""
    release_fits = built == now or ("version" in portable and VERSIONS.index(now) > VERSIONS.index(built))
    gpu_fits = gpu is L4 or ("ampere" in portable and gpu is not GTX)
    runtime = {"tensorrt": Runtime(now, 13)}
    said = check_compatibility(PLAN, card(version=built, portable=portable), here(gpu, runtime))
    assert (said == "") == (release_fits and gpu_fits)
    if said:
        named = f"{built}; this is {now}" if not release_fits else f'this is {gpu.compute_capability} ("{gpu.name}")'
        assert named in said
        assert said.endswith(REBUILD)


@pytest.mark.parametrize(("suffix", "module"), [(".onnx", "onnxruntime"), (".xml", "openvino"), (".keras", "keras")])
def test_other_artifacts_need_their_library_and_no_gpu(suffix: str, module: str) -> None:
    artifact = Path(f"model.fp32{suffix}")
    said = check_compatibility(artifact, card(), here(None, modules=frozenset()))
    assert module in said and "pip install" in said
    everything = frozenset({"onnx", "onnxruntime", "openvino", "keras", "tensorflow"})
    assert check_compatibility(artifact, card(), here(None, modules=everything)) == ""


def test_a_plan_of_unknown_origin_is_not_refused_for_what_its_card_omits() -> None:
    bare = Card(("cat", "dog"), 224, made_with={"tensorrt": "11.4.0.106"})
    assert check_compatibility(PLAN, bare, here(H200)) == ""


def test_the_lean_runtime_stands_in_only_for_a_portable_plan() -> None:
    assert runtime_of(card(portable="version"), here(tensorrt=LEAN)) == "tensorrt_lean"
    assert runtime_of(card(), here(tensorrt=LEAN)) == ""
    assert runtime_of(card(portable="version"), here(tensorrt={**LEAN, **FULL})) == "tensorrt"


def test_this_machine_is_described_without_importing_what_it_names() -> None:
    text = "\n".join(describe(detect_environment()))
    assert text.startswith("system: ")
    assert "GPU: " in text and "TensorRT: " in text


def test_a_machine_with_a_gpu_is_described() -> None:
    assert describe(here())[1:4] == [
        "GPU: NVIDIA L4, compute capability 8.9",
        "driver: 580.95.05, for CUDA up to 13.0",
        "TensorRT: tensorrt 11.4.0.106",
    ]
