"""Train a classifier on labelled photos: writes model.keras, its card, its split and what to look at.

  python train/run.py --data photos                      the tutorial: a frozen ResNet50 with ImageNet's weights
  python train/run.py --data photos --train-layers all   every layer learns
  python train/run.py --data photos --weights none       from nothing, at a small size

DATA holds one folder of pictures for each label, or train/ and test/ that each hold those. What is not said is chosen
by how the training starts, and told in a line: a frozen backbone takes 224 pixels, 2 epochs, batches of 8 and a rate
of 1e-4; every layer takes batches of 16 and a rate of 1e-3; from nothing it is 8 epochs at 64 pixels.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from temper.door import enter
from temper.errors import UserError
from temper.files import sha256_of
from temper.quiet import quiet_stderr
from train.recipe import Augmentation, Recipe

if TYPE_CHECKING:
    from train.pipeline import Trained

WORK = ".training"
HEAD: dict[str, Any] = {"size": 224, "epochs": 2, "batch": 8, "learning_rate": 1e-4, "layers": "head"}
ALL: dict[str, Any] = {"size": 224, "epochs": 2, "batch": 16, "learning_rate": 1e-3, "layers": "all"}
KEPT = ("dropout", "held_out", "seed", "head", "passes", "patience", "calibrate")
SCRATCH: dict[str, Any] = {**ALL, "size": 64, "epochs": 8}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="labelled pictures")
    parser.add_argument("--out", type=Path, default=Path("artifacts/model.keras"), metavar="FILE", help="(%(default)s)")
    parser.add_argument("--weights", default="imagenet", help="imagenet, none, or a file (%(default)s)")
    parser.add_argument("--force", action="store_true", help="train even if the model is up to date")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted training of every layer")
    learning = parser.add_argument_group("learning")
    learning.add_argument("--train-layers", dest="layers", choices=("head", "all"), help="which layers learn")
    learning.add_argument("--size", type=int, metavar="PIXELS", help="height and width of a picture")
    learning.add_argument("--epochs", type=int, metavar="N")
    learning.add_argument("--batch", type=int, metavar="N", help="pictures a step")
    learning.add_argument("--learning-rate", type=float, metavar="RATE", help="the highest")
    learning.add_argument("--held-out", type=float, default=0.2, metavar="SHARE", help="not trained on (%(default)s)")
    learning.add_argument("--head", choices=("keras", "lbfgs"), default="keras", help="by epochs, or solved (keras)")
    learning.add_argument("--passes", type=int, default=2, metavar="N", help="augmentations kept, frozen (%(default)s)")
    learning.add_argument("--patience", type=int, default=0, metavar="EPOCHS", help="stop without gain; 0: never")
    learning.add_argument("--no-calibrate", dest="calibrate", action="store_false", help="leave confidence as it is")
    learning.add_argument("--dense", type=int, metavar="UNITS", help="of the head: 256, or 0 for lbfgs")
    learning.add_argument("--dropout", type=float, default=0.5, metavar="SHARE", help="of the head (%(default)s)")
    learning.add_argument("--seed", type=int, default=0, help="equal seeds give equal models (%(default)s)")
    _add_augmentation(parser.add_argument_group("augmentation, to either side; 0 for none"))
    return parser.parse_args(arguments)


def main() -> int:
    """Train, unless the model is up to date; returns the exit code."""
    options = parse()
    _check(options)
    from train.data import find_examples, quarantined

    if left_out := quarantined(options.data):
        print(f"{len(left_out):,} picture(s) are left out, as {options.data}/quarantine.csv says.")
    examples = find_examples(options.data, options.held_out, options.seed)
    with quiet_stderr():
        from train.checkpoint import checkpoint_folder, forget_checkpoint
        from train.pipeline import is_up_to_date, save, train

    recipe, backbone = _start(options)
    if not options.force and is_up_to_date(options.out, options.data, examples, recipe):
        print(f"{options.out} is up to date: same pictures, same recipe. --force trains it again.")
        return 0
    _check_place(options.out)
    print(_told(recipe))
    work = options.out.parent / WORK
    kept = checkpoint_folder(work, examples, recipe)
    if kept.exists():
        print(
            "an interrupted training is " + ("taken up." if options.resume else "there: --resume would go on with it.")
        )
    trained = train(examples, recipe, backbone, work, _progress, options.resume)
    save(trained, options.out, options.data, examples, recipe)
    forget_checkpoint(kept)
    show(trained, options.out, options.data)
    return 0


def show(trained: "Trained", out: Path, folder: Path) -> None:
    """Show how well the model does on held-out pictures, and where to look."""
    from train.pipeline import title_of

    found = trained.evaluation
    print(f"\nheld-out accuracy {found.accuracy:.1%} of {found.pictures:,} pictures ({title_of(folder)})")
    print(f"calibration error {found.error_before:.3f}, {found.error_after:.3f} at temperature {found.temperature:.2f}")
    print(f"model   {out} and its card {out.name}.json")
    for name in ("summary.txt", "history.csv", "curves.png", "confusion.png", "split.csv"):
        print(f"        {out.with_name(f'{out.stem}.{name}')}")


def _add_augmentation(group: Any) -> None:
    default = Augmentation()
    group.add_argument("--rotation", type=float, default=default.rotation, metavar="DEGREES", help="(%(default)s)")
    for name in ("zoom", "shift", "shear", "brightness"):
        value = getattr(default, name)
        group.add_argument(f"--{name}", type=float, default=value, metavar="SHARE", help="(%(default)s)")
    group.add_argument("--no-flip", dest="flip", action="store_false", help="never swap left and right")


def _check(options: argparse.Namespace) -> None:
    limits = {
        "size": (32, 1024), "epochs": (1, 10_000), "batch": (1, 4096), "learning_rate": (1e-9, 10.0),
        "held_out": (0.01, 0.9), "dense": (0, 65_536), "passes": (1, 1000),
        "patience": (0, 10_000), "dropout": (0.0, 0.95), "seed": (0, 2**32 - 1),
        "rotation": (0, 180), "zoom": (0, 0.9), "shift": (0, 0.9), "shear": (0, 0.9), "brightness": (0, 0.9),
    }  # fmt: skip
    for name, (low, high) in limits.items():
        value = getattr(options, name)
        if value is not None and not low <= value <= high:
            raise UserError(f"--{name.replace('_', '-')} is {value:g}. Expected a number from {low:g} to {high:g}.")
    if options.out.suffix != ".keras":
        raise UserError(
            f"--out is {options.out}. Expected a name that ends in .keras; `make convert` makes the others."
        )
    for folder in options.out.parents:
        if folder.exists() and not folder.is_dir():
            raise UserError(f"{options.out} cannot be written: {folder} is a file. Name another place with --out.")
    if options.weights not in ("imagenet", "none") and not Path(options.weights).is_file():
        raise UserError(f"{options.weights} does not exist. Expected --weights imagenet, none, or a file of weights.")


def _check_place(out: Path) -> None:
    """Better told now than after the training."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror}). Name a place that can with --out FILE.") from None


def _start(options: argparse.Namespace) -> tuple[Recipe, Any]:
    from train.model import load_backbone

    weights, backbone = options.weights, None
    if weights != "none":
        try:
            backbone = load_backbone(weights)
        except ConnectionError as error:
            print(f"ImageNet's weights cannot be fetched ({error}): every layer is trained from scratch instead.")
            weights = "none"
    if backbone is None and options.layers == "head":
        raise UserError(
            "A head on a backbone that knows nothing learns little. Name weights with --weights FILE, or train "
            "every layer: --train-layers all."
        )
    if options.head == "lbfgs" and (backbone is None or options.layers == "all" or options.dense):
        raise UserError(
            "--head lbfgs solves a head without a hidden layer on a frozen backbone. Leave --dense and --train-layers "
            "out and name weights, or use --head keras."
        )
    dense = options.dense if options.dense is not None else 0 if options.head == "lbfgs" else 256
    defaults = SCRATCH if backbone is None else ALL if options.layers == "all" else HEAD
    chosen = {
        name: value if getattr(options, name) is None else getattr(options, name) for name, value in defaults.items()
    }
    if weights not in ("imagenet", "none"):
        weights = f"{Path(weights).name} sha256:{sha256_of(Path(weights))}"
    augmentation = Augmentation(
        options.rotation, options.zoom, options.shift, options.shear, options.brightness, options.flip
    )
    fixed = {name: getattr(options, name) for name in KEPT}
    return Recipe(weights=weights, augmentation=augmentation, dense=dense, **chosen, **fixed), backbone


def _told(recipe: Recipe) -> str:
    start = {"none": "from scratch"}.get(recipe.weights, f"from {recipe.weights.split(' ')[0]}")
    how = "Adam" if recipe.layers == "head" else "AdamW, warm-up and cosine"
    if recipe.head == "lbfgs":
        return f"solving the head {start}: {recipe.size} px, {recipe.passes} passes, L-BFGS, seed {recipe.seed}"
    return (
        f"training {recipe.layers} layers {start}: {recipe.size} px, {recipe.epochs} epochs, batch {recipe.batch}, "
        f"rate {recipe.learning_rate:g} ({how}), seed {recipe.seed}"
    ).replace("head layers", "the head")


def _progress(what: str, done: int, total: int) -> None:
    if sys.stdout.isatty() and (done % 32 == 0 or done == total):
        print(f"\r{what}: {done:,} of {total:,}\x1b[K", end="\n" if done == total else "", flush=True)


if __name__ == "__main__":
    enter(main)
