"""From pictures and a recipe to a model with all that belongs to it."""

import dataclasses
import json
import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from temper.card import Card, card_path, read_card, versions, write_card
from temper.dataset.split import PARTS, Example, Part, write_split
from temper.errors import UserError
from temper.storage.atomic import atomic_write, sha256_of
from train.config import Say, TrainingConfig
from train.dataset.batches import EVALUATION_BATCH, Pictures
from train.dataset.leaks import leaks_in_words
from train.dataset.split import decode, labels_of, targets_of
from train.evaluation.charts import draw_confusion, draw_curves, draw_mistakes, draw_reliability
from train.evaluation.metrics import Evaluation, evaluate, unknown_threshold
from train.evaluation.model_card import write_history, write_model_card, write_summary
from train.evaluation.temperature_scaling import best_temperature, build_in
from train.fitting.checkpoint import History
from train.fitting.lr_range_test import LrRangeTest
from train.fitting.strategies import (
    Task,
    TrainingContext,
    build,
    fine_tune,
    gpus,
    lr_range_test,
    train_all_layers,
    train_head,
)

PACKAGES = ("keras", "tensorflow", "numpy", "pillow")
# Where the card keeps, beside the recipe, what came out.
FOUND = "found"


@dataclass(frozen=True)
class Trained:
    """A float32 model, how its training went, and how it does on the pixels of the test part, [n, s, s, 3].

    seconds: from decoded pictures and a model that is built to one that has learnt. first_fine: the epoch with which
    fine-tuning began; 0 for none.
    """

    model: keras.Model
    history: History
    evaluation: Evaluation
    pixels: NDArray[np.uint8]
    seconds: float
    first_fine: int = 0


def is_up_to_date(out: Path, folder: Path, examples: list[Example], recipe: TrainingConfig) -> bool:
    """True when `out` was trained on these very pictures by this recipe, and is whole."""
    if not (out.exists() and card_path(out).exists()):
        return False
    try:
        card = read_card(out)
    except UserError:
        return False
    with tempfile.TemporaryDirectory() as scratch:
        split = write_split(Path(scratch) / split_path(out).name, folder, examples)
    told = {name: value for name, value in card.recipe.items() if name != FOUND}
    same = told == as_json(recipe, folder) and card.split == split and sha256_of(out) == card.sha256
    return same and split_path(out).exists()


def train(
    examples: list[Example], recipe: TrainingConfig, backbone: keras.Model | None, around: TrainingContext
) -> Trained:
    """Decode the pictures, fit the model, calibrate it on the validation part and evaluate it on the test part.

    backbone: where to start, or None to start from nothing.
    """
    keras.utils.set_random_seed(recipe.seed)
    labels = labels_of(examples)
    task = Task(labels, _decode(examples, recipe.size, labels, around.say), examples, recipe, around)
    learnt = (train_head if recipe.layers == "head" else train_all_layers)(task, backbone)
    history, seconds, first_fine = learnt.history, learnt.seconds, 0
    if recipe.fine_tune:
        first_fine = len(history["loss"]) + 1
        learnt = fine_tune(task, learnt.model, first_fine)
        history = {name: values + learnt.history[name] for name, values in history.items()}
        seconds += learnt.seconds
    final = build(labels, recipe)
    final.set_weights(learnt.model.get_weights())
    found = _judge(final, task.pictures, labels, recipe.calibrate)
    return Trained(final, history, found, task.pictures["test"].pixels, seconds, first_fine)


def find_learning_rate(
    examples: list[Example], recipe: TrainingConfig, backbone: keras.Model | None, around: TrainingContext
) -> LrRangeTest:
    """Decode the pictures and try rising learning rates on the model that `train` would begin with."""
    keras.utils.set_random_seed(recipe.seed)
    labels = labels_of(examples)
    return lr_range_test(
        Task(labels, _decode(examples, recipe.size, labels, around.say), examples, recipe, around), backbone
    )


def save(trained: Trained, out: Path, folder: Path, examples: list[Example], recipe: TrainingConfig) -> None:
    """Write the model and what belongs to it, all or nothing; the card comes last."""
    stem, title, found = out.stem, title_of(folder), trained.evaluation
    names = [each.path.name for each in examples if each.part == "test"]
    data = f"{title}: one label a picture, {leaks_in_words(examples, folder)}"
    with atomic_write(out) as target:
        write_summary(target.with_name(f"{stem}.summary.txt"), trained.model)
        write_history(target.with_name(f"{stem}.history.csv"), trained.history)
        draw_curves(target.with_name(f"{stem}.curves.png"), trained.history, trained.first_fine)
        draw_confusion(target.with_name(f"{stem}.confusion.png"), found, title)
        draw_reliability(target.with_name(f"{stem}.reliability.png"), found, title)
        draw_mistakes(target.with_name(f"{stem}.mistakes.png"), found, title, trained.pixels, names)
        write_model_card(target.with_name(f"{stem}.md"), found, recipe, data, examples)
        split = write_split(split_path(target), folder, examples)
        trained.model.save(target)
    card = Card(
        labels=found.labels,
        size=recipe.size,
        sha256=sha256_of(out),
        recipe={**as_json(recipe, folder), FOUND: {**found.as_json(), "learning_seconds": round(trained.seconds, 3)}},
        made_with=versions(*PACKAGES),
        made_on={"machine": platform.platform(), "device": "GPU" if gpus() else "CPU"},
        split=split,
        confidence_threshold=round(found.confidence_threshold, 6),
    )
    write_card(out, card)


def split_path(out: Path) -> Path:
    """Where the split of a model lies."""
    return out.with_name(f"{out.stem}.split.csv")


def title_of(folder: Path) -> str:
    """What the pictures call themselves in about.json ("drawn sample"), or else the folder's name."""
    try:
        return str(json.loads((folder / "about.json").read_text(encoding="utf-8"))["title"])
    except (OSError, ValueError, KeyError, TypeError):
        return folder.resolve().name


def as_json(recipe: TrainingConfig, folder: Path) -> dict[str, Any]:
    """The recipe as the card tells it."""
    return {**dataclasses.asdict(recipe), "pictures": title_of(folder)}


def _judge(model: keras.Model, pictures: dict[Part, Pictures], labels: tuple[str, ...], calibrate: bool) -> Evaluation:
    def answers(part: Part) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        inside = pictures[part]
        found = model.predict(inside.pixels, batch_size=EVALUATION_BATCH, verbose=0)
        return found, inside.targets.argmax(axis=1)

    known = answers("val")
    temperature = best_temperature(*known) if calibrate else 1.0
    found = evaluate(*answers("test"), labels, temperature, unknown_threshold(known[0], temperature))
    build_in(model, temperature)
    return found


def _decode(examples: list[Example], size: int, labels: tuple[str, ...], say: Say) -> dict[Part, Pictures]:
    pixels = decode(examples, size, say)
    targets = np.eye(len(labels), dtype=np.float32)[targets_of(examples, labels)]
    # Examples come in order of their part, so that each part is a slice and nothing is copied.
    starts = np.searchsorted([PARTS.index(each.part) for each in examples], range(len(PARTS) + 1))
    slices = {part: slice(starts[index], starts[index + 1]) for index, part in enumerate(PARTS)}
    return {part: Pictures(pixels[inside], targets[inside]) for part, inside in slices.items()}
