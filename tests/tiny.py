"""A tiny classifier of red and blue pictures, real in every part, made in a second and without TensorFlow."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from convert.pipeline import Facts, Pipeline, Step
from convert.verification.accuracy_gate import Limits
from convert.verification.parity import Pictures
from temper.card import Card, read_card, write_card
from temper.dataset.split import Example, Part, write_split
from temper.images import load_images
from temper.storage.atomic import sha256_of

LABELS = ("blue", "red")
SIZE = 16
CHANNELS = 8


def draw(folder: Path, each: int, seed: int = 0) -> list[tuple[Path, str]]:
    """`each` pictures of either label below `folder`: noise with more red, or more blue, and some of neither."""
    random = np.random.default_rng(seed)
    made = []
    for label, channel in (("blue", 2), ("red", 0)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for i in range(each):
            pixels = random.integers(0, 200, (24, 20, 3))
            pixels[..., channel] += random.integers(5, 55)
            path = folder / label / f"{label}{i:03}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(path)
            made.append((path, label))
    return made


def network(images: NDArray[np.uint8], truth: NDArray[np.int64], seed: int = 0) -> onnx.ModelProto:
    """Convolutions with a residual block, random, and a head fitted to the pictures by least squares."""
    random = np.random.default_rng(seed)
    weights = {
        "mean": np.array([123.68, 116.779, 103.939], np.float32),
        "w0": random.normal(0, 0.02, (CHANNELS, 3, 3, 3)).astype(np.float32),
        "w1": random.normal(0, 0.15, (CHANNELS, CHANNELS, 3, 3)).astype(np.float32),
        "w2": random.normal(0, 0.15, (CHANNELS, CHANNELS, 1, 1)).astype(np.float32),
        **{f"b{i}": random.normal(0, 0.1, CHANNELS).astype(np.float32) for i in range(3)},
        "head_w": np.zeros((CHANNELS, len(LABELS)), np.float32),
        "head_b": np.zeros(len(LABELS), np.float32),
    }
    features = ort.InferenceSession(_graph(weights, "flat").SerializeToString()).run(None, {"images": images})[0]
    known = np.c_[features, np.ones(len(features))]
    wanted = np.where(truth[:, None] == np.arange(len(LABELS)), 2.0, -2.0)
    solved = np.linalg.lstsq(known, wanted, rcond=None)[0].astype(np.float32)
    weights["head_w"], weights["head_b"] = solved[:-1], solved[-1]
    return _graph(weights, "probabilities")


def bundle(folder: Path, each: int = 40) -> Path:
    """Pictures, their split, model.keras (a stand-in), its answers, and model.fp32.onnx; returns model.keras' path.

    The stand-in is never opened: conversions read its kept answers, as on a target without TensorFlow.
    """
    root = folder / "pictures"
    parts: tuple[Part, ...] = ("train", "train", "train", "val", "test")
    examples = [
        Example(path, label, parts[i % len(parts)], sha256_of(path)) for i, (path, label) in enumerate(draw(root, each))
    ]
    keras = folder / "model.keras"
    keras.write_bytes(b"stand-in")
    split = write_split(folder / "model.split.csv", root, examples)
    card = Card(LABELS, SIZE, sha256=sha256_of(keras), split=split, confidence_threshold=0.6)
    write_card(keras, card)

    training = [e for e in examples if e.part == "train"]
    truth = np.array([LABELS.index(e.label) for e in training])
    model = network(np.stack(list(load_images([e.path for e in training], SIZE))), truth)
    held_out = np.stack(list(load_images([e.path for e in examples if e.part == "test"], SIZE)))
    answers = ort.InferenceSession(model.SerializeToString()).run(None, {"images": held_out})[0]
    np.savez(folder / "model.answers.npz", key=f"{card.sha256} {split['sha256']}", probabilities=answers)
    pipeline_of(keras).run(Step(keras, folder / "model.fp32.onnx", "fp32", {"to": "onnx"}, _saver(model)))
    return keras


def pipeline_of(
    keras: Path, limits: Limits | None = None, said: list[str] | None = None, force: bool = False
) -> Pipeline:
    """A pipeline over the pictures of a bundle; what it says goes to `said`."""
    say = (lambda _: None) if said is None else said.append
    return Pipeline(Pictures(keras, read_card(keras), None), limits or Limits(min_agreement=90), force, say)


def _saver(model: onnx.ModelProto) -> Callable[[Path, Path], Facts]:
    def save(source: Path, target: Path) -> Facts:
        onnx.save(model, target)
        return {}

    return save


def carded(artifact: Path, precision: str = "fp32") -> Path:
    """Write a card beside an artifact of the tiny classifier; returns the artifact."""
    write_card(artifact, Card(LABELS, SIZE, precision, sha256=sha256_of(artifact)))  # type: ignore[arg-type]
    return artifact


def _graph(weights: dict[str, NDArray[np.float32]], output: str) -> onnx.ModelProto:
    node = helper.make_node
    nodes = [
        node("Cast", ["images"], ["float"], "to_float", to=TensorProto.FLOAT),
        node("Sub", ["float", "mean"], ["centred"], "subtract_mean"),
        node("Transpose", ["centred"], ["planes"], "to_planes", perm=[0, 3, 1, 2]),
        node("Conv", ["planes", "w0", "b0"], ["c0"], "stem", pads=[1, 1, 1, 1]),
        node("Relu", ["c0"], ["r0"], "stem_relu"),
        node("MaxPool", ["r0"], ["p0"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["p0", "w1", "b1"], ["c1"], "block_1", pads=[1, 1, 1, 1]),
        node("Relu", ["c1"], ["r1"], "block_1_relu"),
        node("Conv", ["r1", "w2", "b2"], ["c2"], "block_2"),
        node("Add", ["p0", "c2"], ["sum"], "block_add"),
        node("Relu", ["sum"], ["r2"], "block_out"),
        node("GlobalAveragePool", ["r2"], ["pooled"], "average"),
        node("Flatten", ["pooled"], ["flat"], "flatten"),
        node("Gemm", ["flat", "head_w", "head_b"], ["logits"], "head"),
        node("Softmax", ["logits"], ["probabilities"], "softmax"),
    ]
    width = CHANNELS if output == "flat" else len(LABELS)
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", SIZE, SIZE, 3])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", width])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
