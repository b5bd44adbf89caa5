"""The execution provider of ONNX Runtime for a file: of an NVIDIA GPU where onnxruntime-gpu is, else of the CPU."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import onnxruntime as ort

from temper.card import BatchRange, Card, Precision
from temper.runners.onnx_metadata import INPUT
from temper.storage.cache import cache_key, cached_folder

if TYPE_CHECKING:
    from temper.system.environment import Environment

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
TITLES = {CUDA: "CUDA", TENSORRT: "TensorRT"}
# Lets the session list the nodes of each provider.
RECORD_NODES = "session.record_ep_graph_assignment_info"
# The images in one call of TensorRT's provider: that of plans by default. An engine takes minutes to build; without a
# range, the provider builds another one for each call that is smaller or larger than all before.
ENGINE_BATCH = BatchRange(1, 8, 32)
ENGINES = ".engines"
Provider = tuple[str, Mapping[str, str]]


def is_for_gpus() -> bool:
    """True for onnxruntime-gpu, false for the package without a provider for GPUs."""
    return CUDA in ort.get_available_providers()


def gpu_provider(card: Card, environment: "Environment") -> Provider | None:
    """The provider that executes a file on the GPU, with its options; None where the CPU runs it.

    CUDA executes int8 in floating point, so an int8 file is for TensorRT's provider, and for the CPU without it.
    https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html and TensorRT-ExecutionProvider.html
    explain the options.
    """
    name = TENSORRT if card.precision == "int8" else CUDA
    if environment.gpu is None or name not in ort.get_available_providers():
        return None
    if name == CUDA:
        # TF32 would round what is called fp32 to 10 bits.
        return name, {"use_tf32": "0"}
    runtime = environment.tensorrt.get("tensorrt")
    if not (runtime and runtime.has_library):
        return None
    return name, _tensorrt_options(card, f"{runtime.version} {environment.gpu.name}")


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


def _tensorrt_options(card: Card, builder: str) -> dict[str, str]:
    """builder: what an engine depends on besides the file."""
    images = {"min": ENGINE_BATCH.min, "opt": ENGINE_BATCH.best, "max": ENGINE_BATCH.max}
    shapes = {f"trt_profile_{end}_shapes": f"{INPUT}:{n}x{card.size}x{card.size}x3" for end, n in images.items()}
    options = {"trt_int8_enable": "1", "trt_fp16_enable": "1", **shapes}
    try:
        # The provider names an engine after the graph without its weights: each file needs a folder of its own.
        folder = str(cached_folder(cache_key(card.sha256, ort.__version__, builder), ENGINES))
    except OSError:
        return options
    return {
        **options,
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": folder,
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": folder,
    }
