"""Does an artifact run here? Its card is held against this machine before anything native is imported or loaded."""

import re
from pathlib import Path

from temper.card import Card
from temper.formats import Format, format_of
from temper.system.environment import CUDA_BINDINGS, NEEDS, TENSORRT, Here
from temper.system.gpu import Gpu

# https://docs.nvidia.com/deeplearning/tensorrt-rtx/latest/inference-library/cpu-engines.html: without a list of
# targets a plan runs on these, and on 12.0 and later.
RTX_DEFAULT = ("8.0", "8.6", "8.9")
RTX_LATER = 12.0
# A version-compatible plan of the first loads in the second, besides later releases of its own.
ACROSS_MAJOR = {(10, 11)}


def check_compatibility(artifact: Path, card: Card, here: Here) -> str:
    """Why an artifact does not run here and the command that helps, or "" when it does. The first reason counts."""
    chosen = format_of(artifact)
    if chosen.suffix != ".plan":
        return _missing_modules(artifact, chosen, here)
    checks = (_other_system, _no_gpu, _no_runtime, _old_driver, _other_version, _other_gpu, _no_bindings)
    return next((problem for check in checks if (problem := check(artifact, card, here))), "")


def runtime_of(card: Card, here: Here) -> str:
    """The module that loads a plan: the one that built it, or the lean runtime for a portable one; "" for none."""
    builder = "tensorrt_rtx" if "tensorrt_rtx" in card.made_with else "tensorrt"
    if builder in here.tensorrt:
        return builder
    lean = builder == "tensorrt" and "version" in _portable(card) and "tensorrt_lean" in here.tensorrt
    return "tensorrt_lean" if lean else ""


def rebuild_command(artifact: Path, card: Card, extra: str = "") -> str:
    """The command that makes a plan again, here."""
    keras = artifact.with_name(f"{artifact.name.split('.')[0]}.keras")
    return f"python convert/run.py {keras} {artifact} --precision {card.precision} --force{extra}"


def _missing_modules(artifact: Path, chosen: Format, here: Here) -> str:
    missing = [name for name in NEEDS[chosen.suffix] if name not in here.modules]
    if not missing:
        return ""
    return f"{artifact} is run by {chosen.title}; {' and '.join(missing)} is not installed:\n    {chosen.install}"


def _other_system(artifact: Path, card: Card, here: Here) -> str:
    built, now = card.made_on.get("system", here.system), here.system
    # A plan of TensorRT-RTX is the same on Windows and Linux.
    same = built.split()[-1] == now.split()[-1] if "tensorrt_rtx" in card.made_with else built == now
    if same:
        return ""
    return f"{artifact} was built on {built}; this is {now}. Build it here:\n    {rebuild_command(artifact, card)}"


def _no_gpu(artifact: Path, card: Card, here: Here) -> str:
    if here.gpu:
        return ""
    onnx = artifact.with_name(card.made_from.get("file", artifact.with_suffix(".onnx").name))
    instead = f"The ONNX file it was made from gives the same answers on any CPU:\n    --engine {onnx}"
    if here.has_card:
        return (
            f"{artifact} runs on an NVIDIA GPU; there is one here, but no driver answers (does `nvidia-smi` work? in a "
            f"container, was it started with --gpus all?). Until then: {instead}"
        )
    return f"{artifact} runs on an NVIDIA GPU, and there is none here (no driver answers). {instead}"


def _no_runtime(artifact: Path, card: Card, here: Here) -> str:
    name = runtime_of(card, here)
    if name and here.tensorrt[name].whole:
        return ""
    builder = name or ("tensorrt_rtx" if "tensorrt_rtx" in card.made_with else "tensorrt")
    package = _package(builder, here)
    if name:
        return (
            f"{artifact} needs {name}, whose Python part is installed without its library, lib{TENSORRT[name][1]}. "
            f"Install it whole:\n    pip install --force-reinstall {package}-libs=={here.tensorrt[name].version}"
        )
    version = card.made_with.get(builder, "")
    return (
        f"{artifact} was built by {builder} {version}, which is not installed. Install the same version:\n"
        f"    pip install {package}{f'=={version}' if version else ''} {_bindings(here)}"
    )


def too_new_for_driver(module: str, here: Here) -> str:
    """Why the GPU's driver cannot run an installed TensorRT and what it can, or ""."""
    runtime, gpu = here.tensorrt.get(module), here.gpu
    if not runtime or not gpu or not gpu.cuda or runtime.cuda <= int(gpu.cuda.split(".")[0]):
        return ""
    return (
        f"{module} {runtime.version} is for CUDA {runtime.cuda}; the driver {gpu.driver} speaks CUDA {gpu.cuda} at "
        "most. Update the driver, or install the TensorRT that it can run:\n"
        f"    pip install {_package(module, here)} {_bindings(here)}"
    )


def _old_driver(artifact: Path, card: Card, here: Here) -> str:
    name = runtime_of(card, here)
    problem = too_new_for_driver(name, here)
    return f"{artifact}: {problem}\n    {rebuild_command(artifact, card)}" if problem else ""


def _other_version(artifact: Path, card: Card, here: Here) -> str:
    name = runtime_of(card, here)
    builder = "tensorrt" if name == "tensorrt_lean" else name
    built, now = card.made_with.get(builder, ""), here.tensorrt[name].version
    if not built or _loads(_release(built), _release(now), "version" in _portable(card)):
        return ""
    return (
        f"{artifact} was built by {builder} {built}; this is {now}, and a plan loads in the release that built it. "
        f"Build it here:\n    {rebuild_command(artifact, card)}"
    )


def _other_gpu(artifact: Path, card: Card, here: Here) -> str:
    gpu = here.gpu
    if not gpu:
        return ""
    if "tensorrt_rtx" in card.made_with:
        return _other_rtx(artifact, card, gpu)
    built, now = card.made_on.get("compute_capability", ""), gpu.compute_capability
    if not built or built == now or ("ampere" in _portable(card) and float(now) >= 8.0):
        return ""
    return (
        f'{artifact} was built for compute capability {built} ("{card.made_on.get("gpu")}"); this is {now} '
        f'("{gpu.name}"). A plan runs on the kind of GPU it was built on. Build it here:\n'
        f"    {rebuild_command(artifact, card)}"
    )


def _other_rtx(artifact: Path, card: Card, gpu: Gpu) -> str:
    targets, now = card.made_on.get("targets", "").split(), gpu.compute_capability
    if now in (targets or RTX_DEFAULT) or (not targets and float(now) >= RTX_LATER):
        return ""
    said = (
        f'{artifact} was built for compute capability {", ".join(targets or RTX_DEFAULT)}; this is {now} ("{gpu.name}")'
    )
    if now not in ("7.5", *RTX_DEFAULT) and float(now) < RTX_LATER:
        return (
            f"{said}, which TensorRT-RTX does not serve. Build it with TensorRT instead:\n"
            f"    pip install -r requirements-gpu.txt\n    {rebuild_command(artifact, card)}"
        )
    return f"{said}. Build it for this GPU:\n    {rebuild_command(artifact, card, f' --builder for={now}')}"


def _no_bindings(artifact: Path, card: Card, here: Here) -> str:
    if here.modules.intersection(CUDA_BINDINGS):
        return _new_bindings(artifact, here)
    return (
        f"{artifact} needs CUDA's Python bindings to reach the GPU's memory, and none are installed:\n"
        f"    pip install {_bindings(here)}"
    )


def _new_bindings(artifact: Path, here: Here) -> str:
    gpu = here.gpu
    # pycuda is used first, and is compiled against the CUDA that is here.
    if "pycuda" in here.modules or not gpu or not gpu.cuda or here.bindings_cuda <= int(gpu.cuda.split(".")[0]):
        return ""
    return (
        f"{artifact} needs CUDA's Python bindings; those installed are for CUDA {here.bindings_cuda}, and the driver "
        f"{gpu.driver} speaks CUDA {gpu.cuda} at most:\n    pip install {_bindings(here)}"
    )


def _package(module: str, here: Here) -> str:
    """The package that fits the driver: wheels are built for one major release of CUDA."""
    newest, older, _ = TENSORRT[module][0]
    return older if here.gpu and here.gpu.cuda and float(here.gpu.cuda) < 13 else newest


def _bindings(here: Here) -> str:
    """The same for CUDA's bindings: those of release 13 call a driver that speaks CUDA 13."""
    return "'cuda-python<13'" if here.gpu and here.gpu.cuda and float(here.gpu.cuda) < 13 else "cuda-python"


def _portable(card: Card) -> list[str]:
    return [] if "tensorrt_rtx" in card.made_with else card.made_on.get("portable", "").split()


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _loads(built: tuple[int, ...], now: tuple[int, ...], portable: bool) -> bool:
    if built == now:
        return True
    return portable and now > built and (now[0] == built[0] or (built[0], now[0]) in ACROSS_MAJOR)
