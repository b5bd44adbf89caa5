"""Compares an artifact's predictions with the model's on held-out images."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.dataset import ModelDataset
from temper.card import Agreement, FileReference, LabelFlip
from temper.cli.progress import ProgressCallback, no_progress
from temper.dataset.split import Example
from temper.escaping import stored_name
from temper.reference import Golden, read_reference, write_golden, write_reference
from temper.runners.base import Probabilities
from temper.runners.load import open_runner

GOLDEN_IMAGES = 16
MIN_PROBABILITY = 1e-12


def baseline(dataset: ModelDataset, progress: ProgressCallback = no_progress) -> Probabilities:
    """The model's probabilities on the held-out images; stored, so that later conversions need no Keras."""
    stored, examples = read_reference(dataset.model), dataset.held_out()
    if stored is not None and len(stored) == len(examples):
        return stored
    with open_runner(dataset.model) as runner:
        probabilities = dataset.predict(runner, examples, progress)
    write_reference(dataset.model, probabilities)
    return probabilities


def golden_predictions(dataset: ModelDataset, folder: Path) -> FileReference:
    """Store golden images in a folder: half are those that it is least sure of, half are chosen by their hashes."""
    examples, probabilities = dataset.held_out(), baseline(dataset)
    ranked = np.sort(probabilities, axis=1)
    unsure = np.argsort(ranked[:, -1] - ranked[:, -2], kind="stable").tolist()
    by_hash = sorted(range(len(examples)), key=lambda i: examples[i].sha256)
    chosen = list(dict.fromkeys([*unsure[: GOLDEN_IMAGES // 2], *by_hash]))[:GOLDEN_IMAGES]
    images = np.concatenate(list(dataset.batches([examples[i] for i in chosen])))
    files = tuple(examples[i].name for i in chosen)
    golden = Golden(images, probabilities[chosen], files)
    return write_golden(folder / dataset.model.beside(".golden.npz").name, golden)


def compare(
    keras: Probabilities, predicted: Probabilities, examples: list[Example], labels: tuple[str, ...]
) -> Agreement:
    """Compare probabilities [n, classes] image by image."""
    truth = np.array([labels.index(each.label) for each in examples])
    before, after = keras.argmax(axis=1), predicted.argmax(axis=1)
    correct_before, correct_after = before == truth, after == truth
    classes = sorted(set(truth.tolist()))
    drops = [float(correct_before[truth == i].mean() - correct_after[truth == i].mean()) for i in classes]
    worst = int(np.argmax(drops))
    difference = np.abs(keras - predicted)
    return Agreement(
        images=len(examples),
        top1=float(correct_after.mean()),
        keras_top1=float(correct_before.mean()),
        agreement=float((before == after).mean()),
        max_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        cosine=_cosine(keras, predicted),
        regressed=int((correct_before & ~correct_after).sum()),
        improved=int((~correct_before & correct_after).sum()),
        class_drop=drops[worst],
        worst_class=labels[classes[worst]],
        flips=tuple(
            LabelFlip(
                file=stored_name(examples[i].path.name),
                truth=examples[i].label,
                keras=labels[before[i]],
                predicted=labels[after[i]],
            )
            for i in np.flatnonzero(before != after)
        ),
    )


def _cosine(keras: Probabilities, predicted: Probabilities) -> float:
    a, b = _logits(keras), _logits(predicted)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean((a * b).sum(axis=1) / np.maximum(norms, np.finfo(np.float64).tiny)))


def _logits(probabilities: Probabilities) -> NDArray[np.float64]:
    """Logits up to a constant."""
    logs = np.log(np.maximum(probabilities.astype(np.float64), MIN_PROBABILITY))
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))
