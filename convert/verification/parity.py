"""How an artifact's answers compare with the Keras model's, on pictures neither was made from."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from temper.card import Card
from temper.dataset.split import Example, Part, read_split
from temper.errors import UserError
from temper.formats import open_runner
from temper.images import load_images
from temper.reference import read_answers, write_answers
from temper.runners.base import Images, Probabilities, Runner

BATCH = 16


@dataclass(frozen=True)
class Flip:
    """A held-out picture that got another label than Keras gave it."""

    file: str
    label: str
    keras: str
    answer: str


@dataclass(frozen=True)
class Agreement:
    """An artifact against the Keras model it comes from, on held-out pictures.

    top1, keras_top1, agreement: shares in [0, 1]. max_difference, mean_difference: of probabilities.
    cosine: of centred log-probabilities (logits up to a constant), the mean over pictures.
    lost, won: pictures that only Keras, and only the artifact, labels right.
    class_drop: the largest fall of one label's recall, and that label.
    """

    pictures: int
    top1: float
    keras_top1: float
    agreement: float
    max_difference: float
    mean_difference: float
    cosine: float
    lost: int
    won: int
    class_drop: float
    worst_class: str
    flips: tuple[Flip, ...]


@dataclass(frozen=True)
class Pictures:
    """The pictures of a model's split, decoded as often as they are asked for."""

    model: Path
    card: Card
    folder: Path | None

    def examples(self, part: Part) -> list[Example]:
        """The pictures of a part, perhaps none. Raises UserError when files are missing."""
        return read_split(self.model, self.card, part, self.folder)

    def held_out(self) -> list[Example]:
        """The pictures nothing was trained, chosen or calibrated on. Raises UserError when there are none."""
        found = self.examples("test")
        if not found:
            raise UserError(
                f"{self.card.split['file']} holds no test pictures, so nothing can be verified. "
                "Train again with more pictures for each label."
            )
        return found

    def batches(self, examples: list[Example]) -> Iterator[Images]:
        """The examples in order, as uint8 batches [≤ 16, size, size, 3]."""
        images = load_images((each.path for each in examples), self.card.size)
        while batch := list(islice(images, BATCH)):
            yield np.stack(batch)

    def answers(self, runner: Runner, examples: list[Example]) -> Probabilities:
        """Probabilities, float32 [n, classes], a runner gives the examples."""
        return np.concatenate([runner.predict(batch) for batch in self.batches(examples)])


def reference(pictures: Pictures) -> Probabilities:
    """The Keras model's probabilities on the held-out pictures; kept, so that later conversions need no Keras."""
    model, card = pictures.model, pictures.card
    kept = read_answers(model, card)
    if kept is not None:
        return kept
    with open_runner(model) as runner:
        answers = pictures.answers(runner, pictures.held_out())
    write_answers(model, card, answers)
    return answers


def compare(
    keras: Probabilities, answers: Probabilities, examples: list[Example], labels: tuple[str, ...]
) -> Agreement:
    """Compare probabilities [n, classes] picture by picture."""
    truth = np.array([labels.index(each.label) for each in examples])
    before, after = keras.argmax(axis=1), answers.argmax(axis=1)
    right_before, right_after = before == truth, after == truth
    drops = [float(right_before[truth == i].mean() - right_after[truth == i].mean()) for i in sorted(set(truth))]
    worst = int(np.argmax(drops))
    difference = np.abs(keras - answers)
    return Agreement(
        pictures=len(examples),
        top1=float(right_after.mean()),
        keras_top1=float(right_before.mean()),
        agreement=float((before == after).mean()),
        max_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        cosine=_cosine(keras, answers),
        lost=int((right_before & ~right_after).sum()),
        won=int((~right_before & right_after).sum()),
        class_drop=drops[worst],
        worst_class=labels[sorted(set(truth))[worst]],
        flips=tuple(
            Flip(examples[i].path.name, examples[i].label, labels[before[i]], labels[after[i]])
            for i in np.flatnonzero(before != after)
        ),
    )


def _cosine(one: Probabilities, other: Probabilities) -> float:
    a, b = _logits(one), _logits(other)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean((a * b).sum(axis=1) / np.maximum(norms, np.finfo(np.float64).tiny)))


def _logits(probabilities: Probabilities) -> NDArray[np.float64]:
    logs = np.log(np.maximum(probabilities.astype(np.float64), 1e-12))
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))
