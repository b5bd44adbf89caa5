"""The execution provider of ONNX Runtime for a file: of an NVIDIA GPU where onnxruntime-gpu is, else of the CPU."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import onnxruntime as ort

from temper.card import Precision
from temper.storage.cache import private_folder

if TYPE_CHECKING:
    from temper.system.environment import Environment

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
TITLES = {CUDA: "CUDA", TENSORRT: "TensorRT"}
# Lets the session list the nodes of each provider.
RECORD_NODES = "session.record_ep_graph_assignment_info"
Provider = tuple[str, Mapping[str, str]]


def is_for_gpus() -> bool:
    """True for onnxruntime-gpu, false for the package without a provider for GPUs."""
    return CUDA in ort.get_available_providers()


def gpu_provider(precision: Precision, environment: "Environment") -> Provider | None:
    """The provider that executes a precision on the GPU, with its options; None where the CPU runs the file.

    CUDA executes int8 in floating point, so an int8 file is for TensorRT's provider, and for the CPU without it.
    https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html and TensorRT-ExecutionProvider.html
    explain the options.
    """
    name = TENSORRT if precision == "int8" else CUDA
    if environment.gpu is None or name not in ort.get_available_providers():
        return None
    if name == CUDA:
        # TF32 would round what is called fp32 to 10 bits.
        return name, {"use_tf32": "0"}
    runtime = environment.tensorrt.get("tensorrt")
    return (name, _tensorrt_options()) if runtime and runtime.has_library else None


def executed_on_gpu(session: ort.InferenceSession, provider: str, precision: Precision) -> str:
    """What a session executes: "fp16 by CUDA, 120 of 122 nodes"; "" where the provider did not start or has no node."""
    if provider not in session.get_providers():
        return ""
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return f"{precision} by {TITLES[provider]}"
    nodes = {each.ep_name: len(each.get_nodes()) for each in session.get_provider_graph_assignment_info()}
    if not nodes.get(provider):
        return ""
    return f"{precision} by {TITLES[provider]}, {nodes[provider]} of {sum(nodes.values())} nodes"


def _tensorrt_options() -> dict[str, str]:
    options = {"trt_int8_enable": "1", "trt_fp16_enable": "1"}
    try:
        folder = str(private_folder())
    except OSError:
        return options
    # An engine takes minutes to build.
    return {**options, "trt_engine_cache_enable": "1", "trt_engine_cache_path": folder}
