"""The Keras model's answers, kept: to every held-out picture, and golden ones, a few with their pictures.

Golden answers are small enough to travel along with an artifact to where there is no Keras.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from temper.card import Card
from temper.errors import UserError
from temper.runners.base import Runner
from temper.storage.atomic import atomic_write, sha256_of

# Other kernels round otherwise: half as much again as was seen in the verification, and never less than this.
SLACK = 1.5
MIN_TOLERANCE = 0.01


@dataclass(frozen=True)
class SelfTest:
    """What a runner answered: largest probability difference, what is tolerated, and labels that changed."""

    pictures: int
    largest_difference: float
    tolerance: float
    flipped: int

    @property
    def passed(self) -> bool:
        """True when every probability lies within the tolerance."""
        return self.largest_difference <= self.tolerance


def write_golden(target: Path, images: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> dict[str, str]:
    """Store pictures [n, size, size, 3] and probabilities [n, classes], compressed; returns what the card says."""
    with atomic_write(target) as path, path.open("wb") as stream:
        np.savez_compressed(stream, images=images, probabilities=probabilities)
    return {"file": target.name, "sha256": sha256_of(target)}


def read_golden(artifact: Path, card: Card) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Pictures and probabilities that an artifact's card names. Raises UserError when they are missing or changed."""
    path = artifact.parent / card.golden.get("file", "")
    if not card.golden or not path.is_file() or sha256_of(path) != card.golden["sha256"]:
        raise UserError(
            f"{artifact} has no golden answers beside it ({card.golden.get('file', 'none named in its card')}). "
            "Copy them along with the artifact, or make both again with `make convert`."
        )
    with np.load(path, allow_pickle=False) as stored:
        return stored["images"], stored["probabilities"]


def read_answers(artifact: Path, card: Card) -> NDArray[np.float32] | None:
    """The Keras model's probabilities on all its held-out pictures in their order, [n, classes]; None if not kept.

    artifact: the model itself, or one made from it, beside which they lie.
    """
    path = _answers_path(artifact, card)
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        same = str(stored["key"]) == _answers_key(card)
        return np.asarray(stored["probabilities"], dtype=np.float32) if same else None


def write_answers(model: Path, card: Card, probabilities: NDArray[np.float32]) -> None:
    """Keep the Keras model's probabilities [n, classes] on all its held-out pictures."""
    with atomic_write(_answers_path(model, card)) as path, path.open("wb") as stream:
        np.savez(stream, key=_answers_key(card), probabilities=probabilities)


def _answers_path(artifact: Path, card: Card) -> Path:
    # The split is named for the model, whatever the artifact is called.
    return artifact.with_name(card.split["file"].removesuffix(".split.csv") + ".answers.npz")


def _answers_key(card: Card) -> str:
    return f"{card.made_from.get('keras_sha256', card.sha256)} {card.split['sha256']}"


def self_test(runner: Runner) -> SelfTest:
    """Ask a runner the golden pictures and compare its answers with those of the Keras model."""
    images, expected = read_golden(runner.artifact, runner.card)
    answers = runner.predict(images)
    verified = float(runner.card.agreement.get("max_difference", 0.0))
    return SelfTest(
        pictures=len(images),
        largest_difference=float(np.abs(answers - expected).max()),
        tolerance=max(MIN_TOLERANCE, SLACK * verified),
        flipped=int((answers.argmax(axis=1) != expected.argmax(axis=1)).sum()),
    )
