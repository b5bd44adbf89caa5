"""Time training: the tutorial's own loop, a fair loop, and train/run.py, one after the other on the same pictures.

    python experiments/training_time.py --data photos --weights resnet50-notop.weights.h5 --size 128

All start from the same frozen ResNet50 and decoded pictures, and are timed from there to the end of an epoch, or of
train/run.py's own learning. tutorial: every step augments 8 pictures and sends them through the backbone, and an epoch
is as many steps as there are pictures, so that each is shown eight times. fair: the same with each shown once.
The target is the tutorial's validation accuracy after its two epochs; the loops are timed to the first epoch that
reaches it, and the tutorial's to its end too; train/run.py has no epochs, and is told as it ended: the middle one of
three runs, each with nothing computed before, and one more that finds the features of the first. Nothing is
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

from experiments.forward_limit import MATRIX, ForwardLimit, measure_limit
from experiments.tutorial_loop import BATCH, Arrays, run_loop
from temper.card import read_card, versions
from temper.cli.entry_point import enter
from temper.dataset.split import Part, read_split
from temper.images import load_images
from temper.intervals import drop_interval, wilson
from temper.storage.atomic import write_text
from temper.system.host import describe_host
from temper.system.quiet import quiet_stderr

ROOT = Path(__file__).resolve().parents[1]
EPOCHS = 2
MOST_FAIR_EPOCHS = 20
ONE, AGAIN, TWO = "solved head, 1 pass", "solved head, 1 pass, features kept", "solved head, 2 passes"
WORDS = {name: ("--head", "lbfgs", "--passes", passes) for name, passes in ((ONE, "1"), (AGAIN, "1"), (TWO, "2"))}
RUNS = 3


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
    models = {name: run_middle(options, name) for name in (ONE, TWO)}
    models[AGAIN] = run_ours(options, AGAIN, models[ONE].with_name("again.keras"))
    parts = {part: load(next(iter(models.values())), part, options.size) for part in ("train", "val", "test")}
    with quiet_stderr():
        import keras
    kept = {name: keras.saving.load_model(path, compile=False) for name, path in models.items()}
    count, checked = len(parts["train"][0]), len(parts["val"][0])
    wrong, spent = run_loop(options.weights, parts, count, EPOCHS, None)
    target = spent[-1][1]
    first = next(epoch for epoch, each in enumerate(spent, 1) if each[1] >= target)
    told = [
        row(f"tutorial's loop, {name}", spent[epochs - 1], (count * BATCH + checked) * epochs, target, (wrong, wrong))
        for name, epochs in (("both epochs", EPOCHS), (f"epoch {first}", first))
    ]
    fair_wrong, spent = run_loop(options.weights, parts, math.ceil(count / BATCH), MOST_FAIR_EPOCHS, target)
    told.append(row("fair loop", spent[-1], (count + checked) * len(spent), target, (fair_wrong, wrong)))
    for name, model in kept.items():
        card = read_card(models[name])
        end = card.recipe["found"]["learning_seconds"], int((~mistakes(model, parts["val"])).sum())
        shown = 0 if name == AGAIN else count * card.recipe["passes"] + checked
        ours = row(f"train/run.py, {name}", end, shown, target, (mistakes(model, parts["test"]), wrong))
        errors = tuple(card.recipe["found"][f"calibration_error{when}"] for when in ("_before", ""))
        told.append(replace(ours, calibration_errors=errors))
    show(options, told, {part: len(arrays[0]) for part, arrays in parts.items()}, measure_limit(kept[ONE]))
    return 0


def show(options: argparse.Namespace, rows: list[Row], counts: dict[str, int], limit: ForwardLimit) -> None:
    """Print and write the table as Markdown, and all figures as JSON."""
    machine = describe_host()
    facts = {"pictures": counts, "size": options.size, "machine": machine, "made_with": versions("keras", "tensorflow")}
    lines = [
        "# Training time to the validation accuracy of the tutorial's own loop", "",
        f"{counts['train']} pictures to train on, {counts['val']} to validate, {counts['test']} held out, "
        f"{options.size} px; {options.weights.name}, frozen. One run of each loop, the middle one of {RUNS} of "
        "train/run.py, one after the other; nothing extrapolated. Seconds count from decoded pictures; forwards are "
        "pictures sent through the backbone.", "",
        "| way | seconds | both epochs / its | tutorial's / its | fair / its | forwards | a second | validation | "
        "held-out % (95 % interval) | fall against tutorial, points | calibration error before, after |",
        "|---|---|---|---|---|---|---|---|---|---|---|", *(line(each, *rows[:3]) for each in rows), "",
        told_limit(limit, rows), "",
        f"Machine: {json.dumps(machine)}. Versions: {json.dumps(facts['made_with'])}.",
    ]  # fmt: skip
    text = "\n".join(lines) + "\n"
    write_text(options.out, text)
    told = json.dumps({**facts, "rows": [asdict(each) for each in rows]}, indent=2)
    write_text(options.out.with_suffix(".json"), told + "\n")
    print(text)


def run_middle(options: argparse.Namespace, name: str) -> Path:
    """Train a few times, each with features of its own; returns the model whose learning took the middle time."""
    folders = [options.work / str(time.time_ns() + index) for index in range(RUNS)]
    models = [run_ours(options, name, folder / "model.keras") for folder in folders]
    return sorted(models, key=lambda model: float(read_card(model).recipe["found"]["learning_seconds"]))[RUNS // 2]


def run_ours(options: argparse.Namespace, name: str, out: Path) -> Path:
    """Train by the door; features that lie beside `out` are used. Returns the model."""
    words = ("--data", str(options.data), "--weights", str(options.weights), "--size", str(options.size))
    command = [sys.executable, "train/run.py", *words, *WORDS[name], "--out", str(out.resolve())]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return out


def told_limit(limit: ForwardLimit, rows: list[Row]) -> str:
    """What no engine that multiplies in float32 or bfloat16 could beat here, and how near the solved head came."""
    whole, _, fair, ours = rows[:4]
    least = limit.seconds(ours.forwards)
    return (
        f"The arithmetic limit: a forward is {limit.flop / 1e9:.2f} GFLOP, and this machine multiplies matrices of "
        f"{MATRIX} x {MATRIX} at {limit.rate / 1e12:.2f} TFLOP/s at best, in float32 or bfloat16. At that rate the "
        f"{ours.forwards:,} forwards of one pass and the validation part take {least:.1f} s, were everything else "
        f"free: {whole.seconds / least:.0f} times less than the tutorial's loop, {fair.seconds / least:.1f} times less "
        f"than the fair one. The solved head came to {100 * least / ours.seconds:.0f} % of that rate."
    )


def load(model: Path, part: Part, size: int) -> Arrays:
    """Decoded pictures and label indices of a part of a model's own split."""
    card = read_card(model)
    examples = read_split(model, card, part)
    targets = np.array([card.labels.index(each.label) for each in examples])
    return np.stack(list(load_images([each.path for each in examples], size))), targets


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
