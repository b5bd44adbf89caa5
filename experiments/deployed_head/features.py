"""Features of the same images by several runtimes, and the CPU time that each takes."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from convert.exporters.openvino_ir import use_fast_kernels
from temper.artifact import Artifact
from temper.runners.onnx_x86 import rewrite_for_x86

BATCH = 32
FP32, INT8 = "ONNX Runtime fp32", "ONNX Runtime int8"
TENSORFLOW, OPENVINO, OPENVINO_INT8 = "TensorFlow bf16", "OpenVINO bf16", "OpenVINO int8"
Features = NDArray[np.float32]
Forward = Callable[[NDArray[np.uint8]], Features]


@dataclass(kw_only=True)
class Extracted:
    """Features [n, d] by one runtime, and CPU milliseconds of each batch, for one image."""

    forward: Forward
    batches: list[Features] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    @property
    def features(self) -> Features:
        """Of all images."""
        return np.concatenate(self.batches)


def extract(forwards: dict[str, Forward], pixels: NDArray[np.uint8]) -> dict[str, Extracted]:
    """The features of images [n, size, size, 3] by each runtime; every batch goes through all, in random order."""
    by_runtime = {name: Extracted(forward=forward) for name, forward in forwards.items()}
    random = np.random.default_rng(0)
    for forward in forwards.values():
        forward(pixels[:BATCH])
    for start in range(0, len(pixels), BATCH):
        batch = pixels[start : start + BATCH]
        for name in random.permutation(list(by_runtime)):
            before = time.process_time()
            by_runtime[name].batches.append(by_runtime[name].forward(batch))
            by_runtime[name].cpu_ms.append(1000 * (time.process_time() - before) / len(batch))
    return by_runtime


def forwards_of(model: Artifact) -> dict[str, Forward]:
    """A function for each runtime. model: a trained one, whose fp32 and int8 ONNX files lie beside it."""
    fp32, int8 = (model.sibling(precision, ".onnx").path.read_bytes() for precision in ("fp32", "int8"))
    return {
        TENSORFLOW: _tensorflow(model),
        OPENVINO: _openvino(cut(fp32), "bf16"),
        OPENVINO_INT8: _openvino(cut(_fast(int8)), "f32"),
        FP32: _onnxruntime(cut(fp32)),
        INT8: _onnxruntime(cut(rewrite_for_x86(int8))),
    }


def cut(content: bytes) -> bytes:
    """An ONNX file that ends at the features: the input of the first matrix product after the last pooling."""
    whole = onnx.load_from_string(content)
    nodes = list(whole.graph.node)
    pooling = max(index for index, node in enumerate(nodes) if "Pool" in node.op_type)
    name = next(node.input[0] for node in nodes[pooling:] if node.op_type in ("Gemm", "MatMul"))
    extractor = onnx.utils.Extractor(onnx.shape_inference.infer_shapes(whole))
    part = extractor.extract_model([whole.graph.input[0].name], [name])
    return bytes(part.SerializeToString())


def _fast(int8: bytes) -> bytes:
    """What the exporter of .xml files makes of an int8 ONNX file."""
    model = onnx.load_from_string(int8)
    use_fast_kernels(model)
    return bytes(model.SerializeToString())


def _onnxruntime(content: bytes) -> Forward:
    from temper.runners.onnxruntime import open_session

    # Threads that spin after a call would be counted at the next runtime.
    session = open_session(content, spins=False)
    name = session.get_inputs()[0].name
    return lambda images: np.asarray(session.run(None, {name: images})[0], np.float32)


def _openvino(content: bytes, precision: str) -> Forward:
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(core.read_model(content), "CPU", {"INFERENCE_PRECISION_HINT": precision})
    # The array of a request is overwritten by the next one.
    return lambda images: np.array(compiled(images)[0], np.float32)


def _tensorflow(model: Artifact) -> Forward:
    import keras

    from train.config import TrainingConfig
    from train.fitting.feature_cache import forward_of
    from train.fitting.strategies import build, fastest_policy
    from train.network.build import dtype_policy

    trained: Any = keras.saving.load_model(model.path, compile=False)
    training = model.card.training
    if training is None:
        raise ValueError(f"{model.path} was not trained here")
    fields = TrainingConfig.__dataclass_fields__
    chosen = {name: value for name, value in training.config.items() if name in fields and name != "augmentation"}
    with dtype_policy(fastest_policy()):
        network = build(model.card.labels, TrainingConfig(**chosen))
    network.set_weights(trained.get_weights())
    return forward_of(network)


def cosines(features: Features, exact: Features) -> Iterator[float]:
    """The cosine similarity of each image's features to the exact ones."""
    norms = np.linalg.norm(features, axis=1) * np.linalg.norm(exact, axis=1)
    yield from ((features * exact).sum(axis=1) / np.maximum(norms, 1e-12)).tolist()
