"""Time training: the tutorial's own loop, a fair loop, and train/run.py, one after the other on the same pictures.

    python benchmarks/training_time.py --data photos --weights resnet50-notop.weights.h5 --size 128

All start from the same frozen ResNet50 and decoded pictures, and are timed from there to the end of an epoch, or of
train/run.py's own learning. tutorial: every step augments 8 pictures and sends them through the backbone, and an epoch
is as many steps as there are pictures, so that each is shown eight times. fair: the same with each shown once.
The target is the tutorial's validation accuracy after its two epochs; the loops are timed to the first epoch that
reaches it, and the tutorial's to its end too; train/run.py has no epochs, and is told as it ended. Nothing is
extrapolated. The loops run in this process, train/run.py in its own, whose start is not counted.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np
from numpy.typing import NDArray

from temper.card import read_card, versions
from temper.door import enter
from temper.files import write_text
from temper.images import load_images
from temper.intervals import drop_interval, wilson
from temper.machine import describe_machine
from temper.quiet import quiet_stderr
from temper.split import Part, read_split

ROOT = Path(__file__).resolve().parents[1]
BATCH, EPOCHS, DENSE, DROPOUT, RATE = 8, 2, 256, 0.5, 1e-4
MOST_FAIR_EPOCHS = 20
WAYS = {"solved head, 1 pass": ("--head", "lbfgs", "--passes", "1"), "solved head, 2 passes": ("--head", "lbfgs")}

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


@dataclass(frozen=True)
class Row:
    """One way to train: its seconds, whether validation got as good as the target by then, and how it ended.

    forwards: pictures sent through the backbone. right, pictures: held out. val_right: of the validation pictures.
    calibration_errors: expected, on the held-out pictures, before and after temperature scaling.
    """

    name: str
    seconds: float
    forwards: int
    val_right: int
    reached: bool
    right: int
    pictures: int
    lost_to_it: int
    won_by_it: int
    calibration_errors: tuple[float, float] | None = None


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="labelled pictures, as for train/run.py")
    parser.add_argument("--weights", type=Path, required=True, help="of a ResNet50 without top")
    parser.add_argument("--size", type=int, default=128, help="of a picture (128)")
    parser.add_argument("--work", type=Path, default=Path("artifacts/training-time"), help="models and features")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/training-time.md", help="and .json")
    return parser.parse_args(words)


def main() -> int:
    """Train in every way and write the table."""
    options = parse()
    models = {name: run_ours(options, name) for name in WAYS}
    parts = {part: load(next(iter(models.values())), part, options.size) for part in ("train", "val", "test")}
    with quiet_stderr():
        import keras
    kept = {name: keras.saving.load_model(path, compile=False) for name, path in models.items()}
    count, checked = len(parts["train"][0]), len(parts["val"][0])
    wrong, spent = run_loop(options, parts, count, EPOCHS, None)
    target = spent[-1][1]
    first = next(epoch for epoch, each in enumerate(spent, 1) if each[1] >= target)
    told = [
        row(f"tutorial's loop, {name}", spent[epochs - 1], (count * BATCH + checked) * epochs, target, (wrong, wrong))
        for name, epochs in (("both epochs", EPOCHS), (f"epoch {first}", first))
    ]
    fair_wrong, spent = run_loop(options, parts, math.ceil(count / BATCH), MOST_FAIR_EPOCHS, target)
    told.append(row("fair loop", spent[-1], (count + checked) * len(spent), target, (fair_wrong, wrong)))
    for name, model in kept.items():
        card = read_card(models[name])
        end = card.recipe["found"]["learning_seconds"], int((~mistakes(model, parts["val"])).sum())
        shown = count * card.recipe["passes"] + checked
        ours = row(f"train/run.py, {name}", end, shown, target, (mistakes(model, parts["test"]), wrong))
        errors = tuple(card.recipe["found"][f"calibration_error{when}"] for when in ("_before", ""))
        told.append(replace(ours, calibration_errors=errors))
    show(options, told, {part: len(arrays[0]) for part, arrays in parts.items()})
    return 0


def show(options: argparse.Namespace, rows: list[Row], counts: dict[str, int]) -> None:
    """Print and write the table as Markdown, and all figures as JSON."""
    machine = describe_machine()
    facts = {"pictures": counts, "size": options.size, "machine": machine, "made_with": versions("keras", "tensorflow")}
    lines = [
        "# Training time to the validation accuracy of the tutorial's own loop", "",
        f"{counts['train']} pictures to train on, {counts['val']} to validate, {counts['test']} held out, "
        f"{options.size} px; {options.weights.name}, frozen. One run each, one after the other; nothing extrapolated. "
        "Seconds count from decoded pictures; forwards are pictures sent through the backbone.", "",
        "| way | seconds | both epochs / its | tutorial's / its | fair / its | forwards | a second | validation | "
        "held-out % (95 % interval) | fall against tutorial, points | calibration error before, after |",
        "|---|---|---|---|---|---|---|---|---|---|---|", *(line(each, *rows[:3]) for each in rows), "",
        f"Machine: {json.dumps(machine)}. Versions: {json.dumps(facts['made_with'])}.",
    ]  # fmt: skip
    text = "\n".join(lines) + "\n"
    write_text(options.out, text)
    told = json.dumps({**facts, "rows": [asdict(each) for each in rows]}, indent=2)
    write_text(options.out.with_suffix(".json"), told + "\n")
    print(text)


def run_ours(options: argparse.Namespace, name: str) -> Path:
    """Train by the door, with features of its own, so that nothing was computed before; returns the model."""
    out: Path = options.work / name.replace(",", "").replace(" ", "-") / f"{time.time_ns()}" / "model.keras"
    words = ("--data", str(options.data), "--weights", str(options.weights), "--size", str(options.size))
    command = [sys.executable, "train/run.py", *words, *WAYS[name], "--out", str(out.resolve())]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return out


def load(model: Path, part: Part, size: int) -> Arrays:
    """Decoded pictures and label indices of a part of a model's own split."""
    card = read_card(model)
    examples = read_split(model, card, part)
    targets = np.array([card.labels.index(each.label) for each in examples])
    return np.stack(list(load_images([each.path for each in examples], size))), targets


def run_loop(
    options: argparse.Namespace, parts: dict[str, Arrays], steps: int, epochs: int, target: int | None
) -> tuple[NDArray[np.bool_], list[tuple[float, int]]]:
    """Fit a head through the frozen backbone; which held-out answers are wrong, and (seconds, right in val) by epoch.

    Ends at the first epoch that reaches the target.
    """
    import keras
    import tensorflow as tf

    caffe = keras.applications.resnet50.preprocess_input
    keras.utils.set_random_seed(0)
    backbone = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(options.size,) * 2 + (3,))
    backbone.load_weights(options.weights)
    backbone.trainable = False
    pooled = keras.layers.Flatten()(keras.layers.AveragePooling2D(backbone.output.shape[1:3])(backbone.output))
    hidden = keras.layers.Dropout(DROPOUT)(keras.layers.Dense(DENSE, activation="relu")(pooled))
    model = keras.Model(backbone.input, keras.layers.Dense(2, activation="softmax")(hidden))
    model.compile(keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy", metrics=["accuracy"])
    ready: dict[str, tuple[Any, Any]] = {name: (caffe(x.astype("float32")), y) for name, (x, y) in parts.items()}
    augment = tf.keras.preprocessing.image.ImageDataGenerator(
        rotation_range=25, zoom_range=0.1, width_shift_range=0.1, height_shift_range=0.1, shear_range=0.2,
        horizontal_flip=True, fill_mode="nearest",
    )  # fmt: skip
    batches, spent, started = augment.flow(*ready["train"], batch_size=BATCH, seed=0), [], time.perf_counter()
    endless = iter(lambda: next(batches), None)
    data = tf.data.Dataset.from_generator(
        lambda: endless,
        output_signature=(tf.TensorSpec((None, options.size, options.size, 3)), tf.TensorSpec((None,), tf.int64)),
    ).prefetch(tf.data.AUTOTUNE)
    for _ in range(epochs):
        model.fit(data, steps_per_epoch=steps, epochs=1, verbose=0)
        accuracy = model.evaluate(*ready["val"], verbose=0)[1]
        spent.append((time.perf_counter() - started, round(accuracy * len(ready["val"][1]))))
        print(f"{steps} steps an epoch: {spent[-1][0]:.1f} s, validation {accuracy:.3f}", flush=True)
        if target is not None and spent[-1][1] >= target:
            break
    return model.predict(ready["test"][0], verbose=0).argmax(axis=1) != ready["test"][1], spent


def mistakes(model: Any, arrays: Arrays) -> NDArray[np.bool_]:
    """Which answers of a model of ours are wrong, [n]."""
    wrong: NDArray[np.bool_] = model.predict(arrays[0], verbose=0).argmax(axis=1) != arrays[1]
    return wrong


def row(
    name: str, end: tuple[float, int], forwards: int, target: int, wrong: tuple[NDArray[np.bool_], NDArray[np.bool_]]
) -> Row:
    """The figures of one way. end: its seconds and how many are right in val. wrong: its held-out answers, and the
    tutorial's."""
    seconds, right = end
    its, tutorials = wrong
    lost, won = int((its & ~tutorials).sum()), int((~its & tutorials).sum())
    return Row(name, seconds, forwards, right, right >= target, int((~its).sum()), len(its), lost, won)


def line(each: Row, whole: Row, tutorial: Row, fair: Row) -> str:
    """A row of the table."""
    low, high = (100 * bound for bound in wilson(each.right, each.pictures))
    fall_low, fall_high = (100 * bound for bound in drop_interval(each.lost_to_it, each.won_by_it, each.pictures))
    fall = 100 * (each.lost_to_it - each.won_by_it) / each.pictures
    cells = (
        each.name, f"{each.seconds:.1f}", *(f"{o.seconds / each.seconds:.1f}" for o in (whole, tutorial, fair)),
        f"{each.forwards:,}", f"{each.forwards / each.seconds:.0f}",
        f"{each.val_right} right" + ("" if each.reached else f", {whole.val_right - each.val_right} short"),
        f"{100 * each.right / each.pictures:.1f} ({low:.1f} to {high:.1f})",
        f"{fall:.1f} ({fall_low:.1f} to {fall_high:.1f})",
        ", ".join(f"{error:.3f}" for error in each.calibration_errors) if each.calibration_errors else "-",
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    enter(main)
