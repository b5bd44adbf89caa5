"""Networks that are trained and converted, real in every part but model.keras, and made without TensorFlow."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from choose.options import Network
from choose.prepare import Training
from convert.job import CardFields, Job
from temper.artifact import Artifact
from temper.card import Card, TrainingResult, write_card
from temper.card import Training as CardTraining
from temper.dataset.find import find_examples
from temper.dataset.split import Example, write_split
from temper.images import load_images
from temper.reference import write_reference
from temper.runners.base import Images
from temper.storage.digest import sha256_of
from tests import tiny
from train.cli_options import config_of
from train.run import parse
from train.up_to_date import SPLIT_SUFFIX, dataset_record

BACKBONE = "mobilenetv2"


def draw_dataset(folder: Path) -> Training:
    """Eighty images of two labels, and their split."""
    tiny.draw(folder, 40)
    words = ["--seed", "0", "--held-out-fraction", "0.4"]
    return Training(data=folder, examples=find_examples(folder, 0.4, 0), words=words)


def network_at(out: Path, size: int, weights: str = "imagenet") -> Network:
    return Network(backbone=BACKBONE, size=size, weights=weights, folder=out / f"{BACKBONE}-{size}")


def make_network(out: Path, size: int, training: Training, weights: str = "imagenet") -> Network:
    """A network that is up to date, with its fp32 ONNX artifact."""
    network = network_at(out, size, weights)
    network.folder.mkdir(parents=True)
    network.model.path.write_bytes(b"stand-in")
    options = parse(training.words_for(network))
    split = write_split(network.model.beside(SPLIT_SUFFIX), training.data, training.examples)
    card = Card(
        labels=tiny.LABELS,
        size=size,
        sha256=sha256_of(network.model.path),
        dataset=dataset_record(split, training.data),
        training=CardTraining(
            config=dataclasses.asdict(config_of(options, options.weights)),
            result=TrainingResult(images=16, accuracy=1.0, interval=(0.8, 1.0)),
        ),
    )
    write_card(network.model.path, card)
    _export(network, training)
    return network


def _export(network: Network, training: Training) -> None:
    images, truth = _pixels(training.examples, "train", network.size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiny, "SIZE", network.size)
        model = tiny.network(images, truth)
    test, _ = _pixels(training.examples, "test", network.size)
    write_reference(network.model, ort.InferenceSession(model.SerializeToString()).run(None, {"images": test})[0])

    def export(job: Job) -> Iterator[CardFields]:
        onnx.save(model, job.target)
        yield CardFields()

    with tiny.exporter(export):
        path = network.model.path
        tiny.pipeline_of(path).build(Artifact.at(path).sibling("fp32", ".onnx"), "fp32")


def _pixels(examples: list[Example], subset: str, size: int) -> tuple[Images, NDArray[np.int64]]:
    chosen = [each for each in examples if each.subset == subset]
    truth = np.array([tiny.LABELS.index(each.label) for each in chosen])
    return np.stack(list(load_images([each.path for each in chosen], size))), truth
