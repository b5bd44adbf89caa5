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
import tensorflow as tf
from numpy.typing import NDArray

from temper.card import Card, card_path, read_card, versions, write_card
from temper.errors import UserError
from temper.files import sha256_of, staged
from temper.split import PARTS, Example, Part, write_split
from train.checkpoint import checkpoint_folder
from train.data import decode, labels_of, targets_of
from train.fit import EVALUATION_BATCH, Pictures, fit
from train.head import fit_head
from train.model import build_model, computing_in, copy_backbone, spare_residuals
from train.recipe import Recipe, Say
from train.report import Evaluation, draw_confusion, draw_curves, evaluate, write_history, write_summary
from train.temperature import best_temperature, build_in

PACKAGES = ("keras", "tensorflow", "numpy", "pillow")
BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16")


@dataclass(frozen=True)
class Trained:
    """A float32 model, how its training went, and how it does on the test part."""

    model: keras.Model
    history: dict[str, list[float]]
    evaluation: Evaluation


def is_up_to_date(out: Path, folder: Path, examples: list[Example], recipe: Recipe) -> bool:
    """True when `out` was trained on these very pictures by this recipe, and is whole."""
    if not (out.exists() and card_path(out).exists()):
        return False
    try:
        card = read_card(out)
    except UserError:
        return False
    with tempfile.TemporaryDirectory() as scratch:
        split = write_split(Path(scratch) / split_path(out).name, folder, examples)
    same = card.recipe == as_json(recipe, folder) and card.split == split and sha256_of(out) == card.sha256
    return same and split_path(out).exists()


def train(
    examples: list[Example],
    recipe: Recipe,
    backbone: keras.Model | None,
    work: Path,
    say: Say,
    resume: bool = False,
) -> Trained:
    """Decode the pictures, fit the model, calibrate it on the validation part and evaluate it on the test part.

    backbone: where to start, or None to start from nothing. work: folder of features and checkpoints.
    resume: go on from the checkpoint of these pictures and this recipe, if there is one.
    """
    keras.utils.set_random_seed(recipe.seed)
    labels = labels_of(examples)
    pictures = _decode(examples, recipe.size, labels, say)
    with computing_in(fastest_policy()):
        model = build_model(len(labels), recipe.size, recipe.dense, recipe.dropout)
    if backbone:
        copy_backbone(backbone, model)
    else:
        spare_residuals(model)
    if recipe.layers == "head":
        history = fit_head(model, pictures, examples, recipe, work, say)
    else:
        keep = checkpoint_folder(work, examples, recipe)
        model, history = fit(model, pictures, recipe, keep, resume)
    final = build_model(len(labels), recipe.size, recipe.dense, recipe.dropout)
    final.set_weights(model.get_weights())
    return Trained(final, history, _judge(final, pictures, labels, recipe.calibrate))


def save(trained: Trained, out: Path, folder: Path, examples: list[Example], recipe: Recipe) -> None:
    """Write the model and what belongs to it, all or nothing; the card comes last."""
    stem = out.stem
    with staged(out) as target:
        write_summary(target.with_name(f"{stem}.summary.txt"), trained.model)
        write_history(target.with_name(f"{stem}.history.csv"), trained.history)
        draw_curves(target.with_name(f"{stem}.curves.png"), trained.history)
        draw_confusion(target.with_name(f"{stem}.confusion.png"), trained.evaluation, title_of(folder))
        split = write_split(split_path(target), folder, examples)
        trained.model.save(target)
    card = Card(
        labels=trained.evaluation.labels,
        size=recipe.size,
        sha256=sha256_of(out),
        recipe=as_json(recipe, folder),
        made_with=versions(*PACKAGES),
        made_on={"machine": platform.platform(), "device": "GPU" if _gpus() else "CPU"},
        split=split,
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


def as_json(recipe: Recipe, folder: Path) -> dict[str, Any]:
    """The recipe as the card tells it."""
    return {**dataclasses.asdict(recipe), "pictures": title_of(folder)}


def fastest_policy() -> str:
    """Mixed bfloat16 where processor or GPU computes it natively; the saved model is float32 either way."""
    if gpus := _gpus():
        capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
        return "mixed_bfloat16" if capability >= (8, 0) else "float32"
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "float32"
    return "mixed_bfloat16" if any(flag in flags for flag in BFLOAT16_FLAGS) else "float32"


def _judge(model: keras.Model, pictures: dict[Part, Pictures], labels: tuple[str, ...], calibrate: bool) -> Evaluation:
    def answers(part: Part) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        inside = pictures[part]
        found = model.predict(inside.pixels, batch_size=EVALUATION_BATCH, verbose=0)
        return found, inside.targets.argmax(axis=1)

    temperature = best_temperature(*answers("val")) if calibrate else 1.0
    found = evaluate(*answers("test"), labels, temperature)
    build_in(model, temperature)
    return found


def _gpus() -> list[Any]:
    return list(tf.config.list_physical_devices("GPU"))


def _decode(examples: list[Example], size: int, labels: tuple[str, ...], say: Say) -> dict[Part, Pictures]:
    pixels = decode(examples, size, say)
    targets = np.eye(len(labels), dtype=np.float32)[targets_of(examples, labels)]
    # Examples come in order of their part, so that each part is a slice and nothing is copied.
    starts = np.searchsorted([PARTS.index(each.part) for each in examples], range(len(PARTS) + 1))
    slices = {part: slice(starts[index], starts[index + 1]) for index, part in enumerate(PARTS)}
    return {part: Pictures(pixels[inside], targets[inside]) for part, inside in slices.items()}
