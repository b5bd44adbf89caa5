"""Whether an artifact runs on a machine: its card is compared with the environment before anything native is loaded."""

import re

from temper.artifact import Artifact
from temper.card import PlanInfo
from temper.errors import IncompatibleMachine, MissingRuntime
from temper.formats import Format
from temper.system.environment import CUDA_BINDINGS, TENSORRT, Environment, tensorrt_packages
from temper.system.gpu import Gpu

# https://docs.nvidia.com/deeplearning/tensorrt-rtx/latest/inference-library/cpu-engines.html: without a list of
# targets a plan runs on these compute capabilities, and on 12.0 and later.
RTX_DEFAULT = ("8.0", "8.6", "8.9")
RTX_MIN_LATER = 12.0
RTX_TURING = "7.5"
# With --builder-option compatibility=ampere a plan runs on this compute capability and later.
AMPERE = 8.0
# An artifact is used on devices, but built in a clone.
REBUILD = "Build it on this machine, in a clone of Temper:"
# A version-compatible plan of the first major release loads in the second, besides later releases of its own.
ACROSS_MAJOR = {(10, 11)}


def check_compatibility(artifact: Artifact, environment: Environment) -> IncompatibleMachine | None:
    """Why an artifact does not run in an environment, as the error to raise; None when it runs.

    Only the first reason is returned: what helps against it may change the others.
    """
    checks = PLAN_CHECKS if is_plan(artifact.format) else (missing_modules, missing_gpu)
    return next((problem for check in checks if (problem := check(artifact, environment))), None)


def is_plan(chosen: Format) -> bool:
    """True for the format of TensorRT: modules can stand in for another, so a plan is checked with its card."""
    return not TENSORRT.keys().isdisjoint(chosen.requires)


def install_command(module: str, environment: Environment, version: str = "") -> str:
    """The command that installs a module of TensorRT, and CUDA's bindings, for the driver of this machine."""
    pinned = f"=={version}" if version else ""
    return f"pip install {_package(module, environment)}{pinned} {_bindings_package(environment)}"


def runtime_of(artifact: Artifact, environment: Environment) -> str:
    """The module that loads a plan: the one that built it, or the lean runtime for a portable one; "" for none."""
    plan = plan_info(artifact)
    if plan.module in environment.tensorrt:
        return plan.module
    is_lean = plan.module == "tensorrt" and "version" in plan.portable and "tensorrt_lean" in environment.tensorrt
    return "tensorrt_lean" if is_lean else ""


def plan_info(artifact: Artifact) -> PlanInfo:
    """What a plan was built with; for a card without this record, TensorRT of an unknown version."""
    return artifact.card.plan or PlanInfo(module="tensorrt", version="")


def rebuild_command(artifact: Artifact, extra: str = "") -> str:
    """The command that converts the model to this artifact again: in a clone, on the machine where it is run."""
    model, precision = artifact.model().path, artifact.card.precision
    return f"python convert/run.py {model} {artifact.path} --precision {precision} --force{extra}"


def too_new_for_driver(module: str, environment: Environment) -> MissingRuntime | None:
    """Why the GPU's driver cannot run an installed TensorRT, and which one it can; None when it can."""
    runtime, gpu = environment.tensorrt.get(module), environment.gpu
    if not runtime or not gpu or not gpu.cuda_major or runtime.cuda <= gpu.cuda_major:
        return None
    return MissingRuntime(
        f"{module} {runtime.version} is for CUDA {runtime.cuda}; the driver {gpu.driver} supports CUDA {gpu.cuda} at "
        "most",
        fix=f"Update the driver, or install the TensorRT that it can run:\n    {install_command(module, environment)}",
    )


def missing_modules(artifact: Artifact, environment: Environment) -> MissingRuntime | None:
    """The format's libraries that are not installed."""
    missing = artifact.format.missing(environment.modules)
    if not missing:
        return None
    return MissingRuntime(
        f"{artifact.path} is run by {artifact.format.title}. Not installed: {' and '.join(missing)}",
        fix=f"Install what is missing:\n    {artifact.format.install}",
    )


def missing_gpu(artifact: Artifact, environment: Environment) -> MissingRuntime | None:
    """A format that needs a GPU, and no GPU that responds."""
    if environment.gpu or not artifact.format.needs_gpu:
        return None
    source = artifact.card.provenance.source
    instead = artifact.path.with_name(source.file) if source else artifact.model().path
    fix = f"Use the artifact that it was converted from, which runs on any CPU:\n    {instead}"
    if environment.has_nvidia_device:
        return MissingRuntime(
            f"{artifact.path} runs on an NVIDIA GPU. There is one here, but its driver does not respond",
            fix=f"Check whether `nvidia-smi` works; a container must be started with --gpus all. {fix}",
        )
    return MissingRuntime(f"{artifact.path} runs on an NVIDIA GPU, and there is none here", fix=fix)


def system_mismatch(artifact: Artifact, environment: Environment) -> IncompatibleMachine | None:
    """A plan that was built on another operating system or architecture."""
    built, now = artifact.card.host.system or environment.system, environment.system
    # A plan of TensorRT-RTX is the same on Windows and Linux.
    is_rtx = plan_info(artifact).module == "tensorrt_rtx"
    if built.split()[-1] == now.split()[-1] if is_rtx else built == now:
        return None
    return _rebuild(artifact, f"{artifact.path} was built on {built}; this is {now}")


def missing_runtime(artifact: Artifact, environment: Environment) -> MissingRuntime | None:
    """No TensorRT that can load the plan, or one without its native library."""
    plan, module = plan_info(artifact), runtime_of(artifact, environment)
    if not module:
        builder = f"{plan.module} {plan.version}".rstrip()
        return MissingRuntime(
            f"{artifact.path} was built by {builder}, which is not installed",
            fix=f"Install the same version:\n    {install_command(plan.module, environment, plan.version)}",
        )
    runtime = environment.tensorrt[module]
    if runtime.has_library:
        return None
    libraries = f"{_package(module, environment)}-libs=={runtime.version}"
    return MissingRuntime(
        f"{artifact.path} needs {module}, which is installed without its library, lib{TENSORRT[module]}",
        fix=f"Install the library:\n    pip install --force-reinstall {libraries}",
    )


def driver_mismatch(artifact: Artifact, environment: Environment) -> MissingRuntime | None:
    """A TensorRT that is too new for the driver."""
    problem = too_new_for_driver(runtime_of(artifact, environment), environment)
    if not problem:
        return None
    return MissingRuntime(f"{artifact.path}: {problem.what}", fix=f"{problem.fix}\n    {rebuild_command(artifact)}")


def release_mismatch(artifact: Artifact, environment: Environment) -> IncompatibleMachine | None:
    """A plan that was built by a release of TensorRT which the installed one does not load."""
    plan, now = plan_info(artifact), environment.tensorrt[runtime_of(artifact, environment)].version
    is_portable = plan.module == "tensorrt" and "version" in plan.portable
    if not plan.version or _loads(_release(plan.version), _release(now), is_portable):
        return None
    return _rebuild(
        artifact,
        f"{artifact.path} was built by {plan.module} {plan.version}; this is {now}, and a plan loads in the release "
        "that built it",
    )


def gpu_mismatch(artifact: Artifact, environment: Environment) -> IncompatibleMachine | None:
    """A plan that was built for GPUs of another compute capability."""
    plan, gpu = plan_info(artifact), environment.gpu
    if not gpu:
        return None
    if plan.module == "tensorrt_rtx":
        return _rtx_gpu_mismatch(artifact, plan, gpu)
    built, now = plan.compute_capability, gpu.compute_capability
    if not built or built == now or ("ampere" in plan.portable and float(now) >= AMPERE):
        return None
    return _rebuild(
        artifact,
        f'{artifact.path} was built for compute capability {built} ("{plan.gpu}"); this is {now} ("{gpu.name}"), and a '
        "plan runs on the kind of GPU that it was built on",
    )


def missing_bindings(artifact: Artifact, environment: Environment) -> MissingRuntime | None:
    """No Python bindings of CUDA."""
    if not environment.modules.isdisjoint(CUDA_BINDINGS):
        return None
    return MissingRuntime(
        f"{artifact.path} needs CUDA's Python bindings to copy images to the GPU, and none are installed",
        fix=f"Install them:\n    pip install {_bindings_package(environment)}",
    )


def bindings_too_new(artifact: Artifact, environment: Environment) -> MissingRuntime | None:
    """Bindings that call a newer CUDA than the driver supports."""
    gpu, cuda = environment.gpu, environment.bindings_cuda
    # pycuda is preferred where it is installed, and is compiled against this machine's CUDA.
    if "pycuda" in environment.modules or not gpu or not gpu.cuda_major or cuda <= gpu.cuda_major:
        return None
    return MissingRuntime(
        f"{artifact.path} needs CUDA's Python bindings; those installed are for CUDA {cuda}, and the driver "
        f"{gpu.driver} supports CUDA {gpu.cuda} at most",
        fix=f"Install those that fit:\n    pip install {_bindings_package(environment)}",
    )


# In this order: a later check relies on what the earlier ones have established.
PLAN_CHECKS = (
    system_mismatch, missing_gpu, missing_runtime, driver_mismatch, release_mismatch, gpu_mismatch, missing_bindings,
    bindings_too_new,
)  # fmt: skip


def _rtx_gpu_mismatch(artifact: Artifact, plan: PlanInfo, gpu: Gpu) -> IncompatibleMachine | None:
    targets, now = plan.compute_capabilities, gpu.compute_capability
    if now in (targets or RTX_DEFAULT) or (not targets and float(now) >= RTX_MIN_LATER):
        return None
    built = f"{artifact.path} was built for compute capability {', '.join(targets or RTX_DEFAULT)}"
    what = f'{built}; this is {now} ("{gpu.name}")'
    if now not in (RTX_TURING, *RTX_DEFAULT) and float(now) < RTX_MIN_LATER:
        return IncompatibleMachine(
            f"{what}, which TensorRT-RTX does not support",
            fix=f"Build it with TensorRT instead, in a clone of Temper:\n    {artifact.format.install}\n"
            f"    {rebuild_command(artifact)}",
        )
    return _rebuild(artifact, what, f" --builder-option compute_capabilities={now}")


def _rebuild(artifact: Artifact, what: str, extra: str = "") -> IncompatibleMachine:
    return IncompatibleMachine(what, fix=f"{REBUILD}\n    {rebuild_command(artifact, extra)}")


def _package(module: str, environment: Environment) -> str:
    """The package that fits the driver: wheels are built for one major release of CUDA."""
    newest, older, _ = tensorrt_packages(module)
    return older if _has_old_driver(environment) else newest


def _bindings_package(environment: Environment) -> str:
    """The bindings that fit the driver: those of release 13 need a driver that supports CUDA 13."""
    return "'cuda-python<13'" if _has_old_driver(environment) else "cuda-python"


def _has_old_driver(environment: Environment) -> bool:
    return environment.gpu is not None and 0 < environment.gpu.cuda_major < 13


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _loads(built: tuple[int, ...], now: tuple[int, ...], is_portable: bool) -> bool:
    if built == now:
        return True
    return is_portable and now > built and (now[0] == built[0] or (built[0], now[0]) in ACROSS_MAJOR)
