"""The trainings that training_time.py compares, each timed from decoded images to a trained model."""

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.support import run_program
from experiments.training_time.forward_limit import ForwardLimit, measure_limit
from experiments.training_time.tutorial_loop import BATCH, Arrays, Loop, run_loop
from temper.artifact import Artifact
from temper.cli.progress import ProgressCallback
from temper.dataset.split import SUBSETS, Subset, read_split
from temper.images import load_images
from temper.runners.keras import import_keras

TUTORIAL_EPOCHS = 2
MAX_FAIR_EPOCHS = 20
# Of train/run.py; the run with the median time counts.
RUNS = 3
ONE_PASS, TWO_PASSES = "L-BFGS head, 1 pass", "L-BFGS head, 2 passes"
CACHED = "L-BFGS head, 1 pass, features cached"


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One training.

    seconds: from decoded images to the trained model. n_forwards: images sent through the backbone. val_correct:
    correctly classified validation images. is_wrong: which test images are misclassified, bool [n]. ece: expected
    calibration error before and after temperature scaling; None without it.
    """

    name: str
    seconds: float
    n_forwards: int
    val_correct: int
    is_wrong: NDArray[np.bool_]
    ece: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """All trainings on the same images. tutorial: both epochs, then the first epoch that reaches the target.

    sizes: images in each subset. ours: the trainings by train/run.py, that with one pass first.
    """

    sizes: dict[Subset, int]
    tutorial: tuple[TrainingRun, TrainingRun]
    fair: TrainingRun
    ours: list[TrainingRun]
    limit: ForwardLimit

    @property
    def target(self) -> int:
        """Correct validation images that the others have to reach: those of the tutorial's loop at its end."""
        return self.tutorial[0].val_correct

    @property
    def runs(self) -> list[TrainingRun]:
        """All trainings, in the order of the table."""
        return [*self.tutorial, self.fair, *self.ours]


def measure(options: argparse.Namespace, progress: ProgressCallback, seed: int = 0) -> Measurement:
    """Run all trainings, one after the other. seed: decides the split."""
    artifacts = train_with_run_py(options, progress, seed)
    subsets: dict[Subset, Arrays] = {each: _load(artifacts[ONE_PASS], each) for each in SUBSETS}
    tutorial, fair = _run_loops(options.weights, subsets)
    return Measurement(
        sizes={name: len(targets) for name, (_, targets) in subsets.items()},
        tutorial=tutorial,
        fair=fair,
        ours=[_evaluate(name, artifact, subsets) for name, artifact in artifacts.items()],
        limit=measure_limit(import_keras().saving.load_model(artifacts[ONE_PASS].path, compile=False)),
    )


def train_with_run_py(options: argparse.Namespace, progress: ProgressCallback, seed: int) -> dict[str, Artifact]:
    """Train in a process of its own, three times with each number of passes, and once with cached features."""

    def train(out: Path, passes: int) -> Artifact:
        run_program(
            "train/run.py", "--data", options.data.resolve(), "--weights", options.weights.resolve(),
            "--size", str(options.size), "--head", "lbfgs", "--augmentation-passes", str(passes),
            "--seed", str(seed), "--out", out,
        )  # fmt: skip
        progress("training with train/run.py", next(done), 2 * RUNS + 1)
        return Artifact.at(out)

    def train_median(passes: int) -> Artifact:
        # A new folder for each run: features of another one would be used again.
        folders = [options.work.resolve() / str(time.time_ns() + index) for index in range(RUNS)]
        return sorted((train(folder / "model.keras", passes) for folder in folders), key=_seconds)[RUNS // 2]

    done = iter(range(1, 2 * RUNS + 2))
    one_pass, two_passes = train_median(1), train_median(2)
    cached = train(one_pass.path.with_name("again.keras"), 1)
    return {ONE_PASS: one_pass, TWO_PASSES: two_passes, CACHED: cached}


def _run_loops(weights: Path, subsets: dict[Subset, Arrays]) -> tuple[tuple[TrainingRun, TrainingRun], TrainingRun]:
    n_train, n_val = (len(subsets[name][1]) for name in ("train", "val"))
    result = run_loop(weights, subsets, Loop(steps=n_train, max_epochs=TUTORIAL_EPOCHS))
    target = result.epochs[-1][1]
    first = next(epoch for epoch, (_, correct) in enumerate(result.epochs, 1) if correct >= target)
    both, reached = (
        TrainingRun(
            name=f"tutorial's loop, {name}",
            seconds=result.epochs[n_epochs - 1][0],
            n_forwards=(n_train * BATCH + n_val) * n_epochs,
            val_correct=result.epochs[n_epochs - 1][1],
            is_wrong=result.is_wrong,
        )
        for name, n_epochs in (("both epochs", TUTORIAL_EPOCHS), (f"epoch {first}", first))
    )
    loop = Loop(steps=math.ceil(n_train / BATCH), max_epochs=MAX_FAIR_EPOCHS, target=target)
    result = run_loop(weights, subsets, loop)
    fair = TrainingRun(
        name="fair loop",
        seconds=result.epochs[-1][0],
        n_forwards=(n_train + n_val) * len(result.epochs),
        val_correct=result.epochs[-1][1],
        is_wrong=result.is_wrong,
    )
    return (both, reached), fair


def _evaluate(name: str, artifact: Artifact, subsets: dict[Subset, Arrays]) -> TrainingRun:
    training = artifact.card.training
    assert training
    passes = training.config["augmentation_passes"]
    n_forwards = 0 if name == CACHED else len(subsets["train"][1]) * passes + len(subsets["val"][1])
    model = import_keras().saving.load_model(artifact.path, compile=False)
    return TrainingRun(
        name=f"train/run.py, {name}",
        seconds=training.result.seconds,
        n_forwards=n_forwards,
        val_correct=int((~_is_wrong(model, subsets["val"])).sum()),
        is_wrong=_is_wrong(model, subsets["test"]),
        ece=(training.result.ece_before, training.result.ece_after),
    )


def _load(artifact: Artifact, subset: Subset) -> Arrays:
    """Decoded images and label indices of one subset of a model's split."""
    card, examples = artifact.card, read_split(artifact, subset)
    targets = np.array([card.labels.index(each.label) for each in examples])
    return np.stack(list(load_images([each.path for each in examples], card.size))), targets


def _is_wrong(model: Any, arrays: Arrays) -> NDArray[np.bool_]:
    wrong: NDArray[np.bool_] = model.predict(arrays[0], verbose=0).argmax(axis=1) != arrays[1]
    return wrong


def _seconds(artifact: Artifact) -> float:
    assert artifact.card.training
    return artifact.card.training.result.seconds
