"""Train a classifier on labelled photos: writes model.keras, its card, its split and what to look at.

  python train/run.py --data photos                      the tutorial: a frozen ResNet50 with ImageNet's weights
  python train/run.py --data photos --head lbfgs         its head solved to the optimum instead of by epochs
  python train/run.py --data photos --fine-tune 5        then the top blocks are adjusted; the best epoch is kept
  python train/run.py --data photos --train-layers all   every layer learns
  python train/run.py --data photos --weights none       from nothing, at a small size
  python train/run.py --data photos --find-rate          which learning rate to begin with, then stop

DATA holds one folder of pictures for each label, or train/ and test/ that each hold those. What is not said is chosen
by how the training starts, and told in a line: a frozen backbone takes 224 pixels, 2 epochs, batches of 8 and a rate
of 1e-4; every layer takes batches of 16 and a rate of 1e-3; from nothing it is 8 epochs at 64 pixels.
Ctrl-C keeps what was done; --resume goes on with it, after a crash too.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from temper.cli.entry_point import enter
from temper.errors import UserError
from temper.storage.atomic import atomic_write
from temper.system.quiet import quiet_stderr
from train.cli_options import add_options, check_options, check_place, recipe_of
from train.config import TrainingConfig

if TYPE_CHECKING:
    from train.fitting.lr_range_test import LrRangeTest
    from train.pipeline import Trained

WORK = ".training"
NOTHING_KEPT = "no interrupted training of these pictures and this recipe is kept: it starts at the first step."
BESIDE = (
    "md", "summary.txt", "history.csv", "curves.png", "confusion.png", "reliability.png", "mistakes.png", "split.csv",
)  # fmt: skip


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    return parser.parse_args(arguments)


def main() -> int:
    """Train, unless the model is up to date; returns the exit code."""
    options = parse()
    check_options(options)
    from train.dataset.leaks import refuse_leaks
    from train.dataset.split import find_examples, quarantined

    if left_out := quarantined(options.data):
        print(f"{len(left_out):,} picture(s) are left out, as {options.data}/quarantine.csv says.")
    examples = find_examples(options.data, options.held_out, options.seed)
    if not options.accept_leaks:
        refuse_leaks(examples, options.data)
    with quiet_stderr():
        from train.fitting.checkpoint import checkpoint_path
        from train.fitting.distribute import is_chief, open_strategy
        from train.fitting.keras_progress import Meter
        from train.fitting.strategies import TrainingContext
        from train.pipeline import find_learning_rate, is_up_to_date, save, train

    strategy = open_strategy(options.distribute) if options.distribute != "none" else None
    recipe, backbone = _start(options)
    if not (options.force or options.find_rate) and is_up_to_date(options.out, options.data, examples, recipe):
        print(f"{options.out} is up to date: same pictures, same recipe. --force trains it again.")
        return 0
    check_place(options.out)
    print(recipe.summary())
    events = options.out.with_suffix(".tensorboard") if options.tensorboard else None
    around = TrainingContext(options.out.parent / WORK, Meter(), options.resume, events, strategy)
    if options.find_rate:
        return show_rates(find_learning_rate(examples, recipe, backbone, around), options.out)
    kept = checkpoint_path(around.work, examples, recipe)
    if kept.exists() and not (options.resume or options.force):
        raise UserError(
            f"{kept} holds an interrupted training of these pictures. --resume goes on, --force begins anew."
        )
    if options.resume:
        print("an interrupted training is taken up." if kept.exists() else NOTHING_KEPT)
    try:
        trained = train(examples, recipe, backbone, around)
    except KeyboardInterrupt:
        return _stopped(kept)
    if strategy is None or is_chief(strategy):
        save(trained, options.out, options.data, examples, recipe)
        kept.unlink(missing_ok=True)
        show(trained, options.out, options.data)
    return 0


def show(trained: "Trained", out: Path, folder: Path) -> None:
    """Show how well the model does on held-out pictures, and where to look."""
    from train.pipeline import title_of

    found, (low, high) = trained.evaluation, trained.evaluation.interval
    print(f"learnt in {trained.seconds:.1f} s from decoded pictures")
    print(f"\nheld-out accuracy {found.accuracy:.1%} of {found.pictures:,} pictures ({title_of(folder)})", end="")
    print(f", 95 % interval {low:.1%} to {high:.1%}")
    print(f"calibration error {found.error_before:.3f}, {found.error_after:.3f} at temperature {found.temperature:.2f}")
    print(
        f"unknown           below a confidence of {found.confidence_threshold:.3f}: {1 - found.known.mean():.1%} of these"
    )
    print(f"model   {out} and its card {out.name}.json")
    for name in BESIDE:
        print(f"        {out.with_name(f'{out.stem}.{name}')}")


def show_rates(tried: "LrRangeTest", out: Path) -> int:
    """Draw a range test beside the model to be and say what it suggests; 1 when no rate lowers the loss."""
    from train.evaluation.charts import draw_rates

    picture = out.with_name(f"{out.stem}.rates.png")
    with atomic_write(picture) as path:
        draw_rates(path, tried)
    if tried.suggestion is None:
        raise UserError(f"no learning rate lowers the loss: look at {picture}. Are the labels right?")
    print(f"the loss falls fastest at {tried.suggestion:.1e}: look at {picture}, then --learning-rate RATE")
    return 0


def _start(options: argparse.Namespace) -> tuple[TrainingConfig, Any]:
    from train.network.build import load_backbone

    if options.weights == "none":
        return recipe_of(options, "none"), None
    try:
        backbone = load_backbone(options.weights, options.backbone)
    except ConnectionError as error:
        print(f"ImageNet's weights cannot be fetched ({error}): every layer is trained from scratch instead.")
        return recipe_of(options, "none"), None
    return recipe_of(options, options.weights), backbone


def _stopped(kept: Path) -> int:
    where = "the training so far is kept" if kept.exists() else "decoding starts over, finished features are kept"
    how = "the same command with --resume goes on from there" if kept.exists() else "the same command goes on"
    print(f"stopped: {where}; {how}.", file=sys.stderr)
    return 130


if __name__ == "__main__":
    enter(main)
