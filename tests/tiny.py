"""A tiny classifier of red and blue images, real in every part, made in a second and without TensorFlow."""

import contextlib
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from convert.dataset import ModelDataset
from convert.job import CardFields, Converter, Job
from convert.pipeline import Pipeline
from convert.settings import ConversionSettings
from convert.verification.accuracy_gate import GateLimits
from temper.artifact import Artifact
from temper.card import Adoption, Agreement, Card, Dataset, LabelFlip, Precision, Provenance, write_card
from temper.dataset.split import Example, Subset, write_split
from temper.images import load_images
from temper.reference import read_reference, write_reference
from temper.storage.digest import sha256_of

EXPORT = "convert.exporters.onnx_export"
LABELS = ("blue", "red")
SIZE = 16
CHANNELS = 8


def draw(folder: Path, each: int, seed: int = 0) -> list[tuple[Path, str]]:
    """`each` images of either label below `folder`: noise with more red, or more blue, and some of neither."""
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
    """Convolutions with a residual block, random, and a head fitted to the images by least squares."""
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
    targets = np.where(truth[:, None] == np.arange(len(LABELS)), 2.0, -2.0)
    solved = np.linalg.lstsq(known, targets, rcond=None)[0].astype(np.float32)
    weights["head_w"], weights["head_b"] = solved[:-1], solved[-1]
    return _graph(weights, "probabilities")


def max_ranges(model: Path, *batches: NDArray[np.uint8]) -> dict[str, float]:
    """The largest absolute value of each activation of an ONNX file over batches of images."""
    # Imports the runner, which tests of a missing runtime import without ONNX Runtime.
    from convert.precision.calibration import activations, calibrate

    tensors = activations(onnx.load(model).graph)
    return calibrate(model, batches, sum(map(len, batches)), tensors)["max"]


def bundle(folder: Path, each: int = 40) -> Path:
    """Images, their split, model.keras (a stand-in), its predictions, and model.fp32.onnx; returns model.keras' path.

    The stand-in is never opened: conversions read its stored predictions, as on a machine without TensorFlow.
    """
    root = folder / "images"
    subsets: tuple[Subset, ...] = ("train", "train", "train", "val", "test")
    examples = [
        Example(path=path, label=label, subset=subsets[i % len(subsets)], sha256=sha256_of(path))
        for i, (path, label) in enumerate(draw(root, each))
    ]
    keras = folder / "model.keras"
    keras.write_bytes(b"stand-in")
    split = write_split(folder / "model.split.csv", root, examples)
    dataset = Dataset(split=split, folder=str(root), title="tiny images")
    write_card(
        keras, Card(labels=LABELS, size=SIZE, sha256=sha256_of(keras), dataset=dataset, confidence_threshold=0.6)
    )
    training = [e for e in examples if e.subset == "train"]
    truth = np.array([LABELS.index(e.label) for e in training])
    model = network(np.stack(list(load_images([e.path for e in training], SIZE))), truth)
    held_out = np.stack(list(load_images([e.path for e in examples if e.subset == "test"], SIZE)))
    probabilities = ort.InferenceSession(model.SerializeToString()).run(None, {"images": held_out})[0]
    write_reference(Artifact.at(keras), probabilities)

    def export(job: Job) -> Iterator[CardFields]:
        onnx.save(model, job.target)
        yield CardFields()

    with exporter(export):
        pipeline_of(keras).build(Artifact.at(keras).sibling("fp32", ".onnx"), "fp32")
    return keras


def adopt(keras: Path) -> Path:
    """Leave a bundle as the adoption of an ONNX file does: model.fp32.onnx is the model; returns its path."""
    path = keras.with_name("model.fp32.onnx")
    card, dataset = Artifact.at(path).card, Artifact.at(keras).card.dataset
    adopted = Adoption(
        original="net.onnx", sha256="0" * 64, stored_as=".onnx", preprocessing="caffe", layout="NCHW", dtype="float32",
        output="logits", images=16, accuracy=1.0, max_difference=0.0,
    )  # fmt: skip
    reference = read_reference(Artifact.at(keras))
    for file in keras.parent.glob("model.*"):
        if not file.name.startswith(("model.fp32.onnx", "model.split", "model.golden")):
            file.unlink()
    write_card(path, card.changed(adopted=adopted, provenance=Provenance(), agreement=None, dataset=dataset))
    assert reference is not None
    write_reference(Artifact.at(path), reference)
    return path


@contextlib.contextmanager
def exporter(convert: Converter) -> Iterator[None]:
    """Replace the export of Keras to ONNX, which needs TensorFlow, by another converter."""
    module = sys.modules.get(EXPORT)
    sys.modules[EXPORT] = types.SimpleNamespace(convert=convert)  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[EXPORT]
        if module:
            sys.modules[EXPORT] = module


def pipeline_of(keras: Path, limits: GateLimits | None = None, **settings: object) -> Pipeline:
    """A pipeline over the images of a bundle."""
    return Pipeline(
        dataset=ModelDataset(model=Artifact.at(keras)),
        limits=limits or GateLimits(min_agreement=90),
        settings=ConversionSettings(**settings),  # type: ignore[arg-type]
    )


def agreement(agreement: float = 1.0, flips: int = 0) -> Agreement:
    """How an artifact of the tiny classifier agrees with its model; flipped images become blue."""
    changed = [LabelFlip(file=f"{i}.png", truth="red", keras="red", predicted="blue") for i in range(flips)]
    return Agreement(
        images=16, top1=agreement, keras_top1=1.0, agreement=agreement, max_difference=0.0, mean_difference=0.0,
        cosine=1.0, regressed=flips, improved=0, class_drop=0.0, worst_class="red", flips=tuple(changed),
    )  # fmt: skip


def with_card(path: Path, precision: Precision = "fp32") -> Artifact:
    """Write a card beside an artifact of the tiny classifier."""
    artifact = Artifact.at(path)
    write_card(path, Card(labels=LABELS, size=SIZE, precision=precision, sha256=artifact.sha256()))
    return Artifact.at(path)


def _graph(weights: dict[str, NDArray[np.float32]], output: str) -> onnx.ModelProto:
    node = helper.make_node
    nodes = [
        node("Cast", ["images"], ["float"], "to_float", to=TensorProto.FLOAT),
        node("Sub", ["float", "mean"], ["centered"], "subtract_mean"),
        node("Transpose", ["centered"], ["planes"], "to_planes", perm=[0, 3, 1, 2]),
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
