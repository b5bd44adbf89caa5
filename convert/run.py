"""Convert a model, and verify every step against it on held-out images.

    python convert/run.py --precision int8
    python convert/run.py artifacts/model.keras artifacts/model.fp16.plan --precision fp16
    python convert/run.py --precision int8 --triton models
    python convert/run.py adopt cats.h5 --labels cat,dog --data photos        a model of yours: see docs/adopt.md

The suffix of a target decides its format. Without a target, the model is converted to every format that this machine
can build. An artifact that is up to date is not converted again. A conversion that the accuracy gate rejects is stored
as `….rejected`, which nothing loads; the artifact that was published before is unchanged.
"""

import os
import sys

if not __package__:
    # Without pathlib, whose import takes longer than all before the next statement.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
if __name__ == "__main__":
    # Before the other imports: a signal in the middle of them ends the command with one line.
    from temper.system.early_signals import exit_at_signals

    exit_at_signals()

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from convert.adopt.options import parse_adopt
from convert.settings import CALIBRATION_METHODS, ConversionSettings, parse_batch
from temper.artifact import Artifact
from temper.card import PRECISIONS
from temper.cli.console import CommandParser, add_verbosity_options
from temper.cli.entry_point import run_command
from temper.errors import ArtifactError, IncompatibleMachine, QualityError, UsageError, UserError
from temper.formats import FORMATS, describe_suffixes, format_of

if TYPE_CHECKING:
    from convert.verification.accuracy_gate import GateLimits

DEFAULT_MODEL = Path("artifacts/model.keras")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["adopt"]:
        return parse_adopt(words[1:])
    parser = CommandParser(
        prog="python convert/run.py",
        description=__doc__,
        epilog=_describe_targets(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "model",
        nargs="?",
        type=Path,
        default=DEFAULT_MODEL,
        help="a .keras file, or an .onnx file that was adopted (default: %(default)s)",
    )
    add("targets", nargs="*", type=Path, help="files to write")
    add(
        "--precision", choices=PRECISIONS, default="fp32",
        help="precision of the weights and of the computation (default: %(default)s)",
    )  # fmt: skip
    add("--data", type=Path, metavar="FOLDER", help="where the model's images are, if they were moved after training")
    add("--force", action="store_true", help="convert the targets again, even if they are up to date")
    add(
        "--triton", metavar="DIR[,jpeg]",
        help="also write the target into a Triton model repository; ,jpeg adds an ensemble that takes image files",
    )  # fmt: skip
    add_verbosity_options(parser)
    _add_int8_options(parser.add_argument_group("int8"))
    _add_plan_options(parser.add_argument_group("TensorRT plan"))
    _add_gate_options(parser.add_argument_group("accuracy gate: what a conversion may cost, compared with the model"))
    return parser.parse_args(words)


def run(options: argparse.Namespace) -> int:
    """Adopt or convert a model; returns the exit code."""
    if not hasattr(options, "original"):
        return run_convert(options)
    from convert.adopt.command import run_adopt

    print(run_adopt(options))
    return 0


def run_convert(options: argparse.Namespace) -> int:
    """Convert to all targets; one that is rejected or lacks its runtime does not stop the others."""
    from convert.dataset import ModelDataset
    from convert.pipeline import Pipeline
    from convert.trt.build_options import parse_options
    from convert.verification.accuracy_gate import GateLimits
    from temper.cli.progress import ProgressDisplay

    model = _model_at(options.model)
    settings = ConversionSettings(
        calibration_method=options.calibration_method,
        calibration_images=options.calibration_images,
        max_float_layers=options.max_float_layers,
        batch=parse_batch(options.batch),
        builder_options=tuple(options.builder_option),
    )
    parse_options(settings.builder_options)
    limits = GateLimits(
        max_drop=options.max_drop, max_class_drop=options.max_class_drop, min_agreement=options.min_agreement
    )
    dataset = ModelDataset(model=model.verified(), folder=options.data)
    targets = _targets(options, model)
    failed: list[UserError] = []
    with ProgressDisplay() as progress:
        pipeline = Pipeline(dataset=dataset, limits=limits, settings=settings, progress=progress)
        for target in targets:
            try:
                pipeline.build(target, options.precision, force=options.force)
            except (IncompatibleMachine, QualityError) as error:
                failed.append(error)
    show_parity(model, limits)
    if failed:
        raise combined(failed)
    if options.triton:
        _write_triton(options, targets[0], settings)
    return 0


def _targets(options: argparse.Namespace, model: Artifact) -> list[Artifact]:
    """The targets that are named, or the default ones; for Triton, one that it runs."""
    from convert.targets import conversion_of, default_targets

    targets = [Artifact.at(path) for path in options.targets] or default_targets(model, options.precision)
    if options.triton:
        from convert.triton.write import parse_triton, triton_target

        parse_triton(options.triton)
        targets = [triton_target(targets, is_named=bool(options.targets))]
    for target in targets:
        conversion_of(target, options.precision)
    return targets


def _write_triton(options: argparse.Namespace, target: Artifact, settings: ConversionSettings) -> None:
    from convert.triton.write import parse_triton, write_models

    folder, with_jpeg = parse_triton(options.triton)
    artifact = Artifact.at(target.path)
    names = write_models(artifact, folder, batch=settings.batch, with_jpeg=with_jpeg, force=options.force)
    print(f"\nTriton models in {folder}: {', '.join(names)}")


def combined(errors: list[UserError]) -> UserError:
    """One error with all messages, of the kind that they have in common."""
    kinds = {type(error) for error in errors}
    kind = kinds.pop() if len(kinds) == 1 else UserError
    return errors[0] if len(errors) == 1 else kind("\n".join(map(str, errors)))


def _model_at(path: Path) -> Artifact:
    adopt = f"Adopt a model from elsewhere first:\n    python convert/run.py adopt {path} --labels … --data …"
    if not format_of(path.name):
        raise UsageError(f"{path} is no artifact. Expected a .keras or .onnx file", fix=adopt)
    model = Artifact.at(path)
    if not path.exists():
        raise ArtifactError(f"{path} does not exist", fix="Train it with `make train`, or check the path.")
    if not model.exists:
        raise ArtifactError(f"{path} has no card: {model.card_path.name} was expected beside it", fix=adopt)
    if not model.is_model:
        raise UsageError(f"{path} was itself converted", fix=f"Name the model: {model.model().path}")
    return model


def show_parity(model: Artifact, limits: "GateLimits") -> None:
    """Print the parity report, and the first artifact that violates a limit."""
    from convert.verification.parity_table import collect, first_failing, parity_table

    rows = collect(model, limits)
    title = model.card.dataset.title if model.card.dataset else ""
    print(f"\nParity with {model.name} on the held-out images{f' of {title}' if title else ''}:")
    print(parity_table(rows).plain())
    if failing := first_failing(rows):
        print(f"\nThe first that violates a limit is {failing.name}: {'; '.join(failing.violations)}.")


def _describe_targets() -> str:
    targets = [each for each in FORMATS if each.conversions]
    named = ", ".join(each.suffix for each in targets if each.on_request)
    return f"Targets: {describe_suffixes(targets)}.\nConverted only when it is named: {named}."


def _add_int8_options(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add(
        "--calibration-method", choices=CALIBRATION_METHODS, default="auto",
        help="which values are beyond an activation range: none, 0.001 or 0.01 percent; auto takes the most accurate "
        "(default: %(default)s)",
    )  # fmt: skip
    add(
        "--calibration-images", type=int, default=256, metavar="N",
        help="number of training images that ranges are measured on (default: %(default)s)",
    )  # fmt: skip
    add(
        "--max-float-layers", type=int, default=8, metavar="N",
        help="number of layers that may stay in floating point to pass the accuracy gate (default: %(default)s)",
    )  # fmt: skip


def _add_plan_options(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add(
        "--batch", default="1:8:32", metavar="MIN:BEST:MAX",
        help="smallest batch, batch that kernels are optimized for, largest batch (default: %(default)s)",
    )  # fmt: skip
    add(
        "--builder-option", action="append", default=[], metavar="NAME=VALUE",
        help="level, workspace, profiles, compatibility, compute_capabilities or float; may be repeated; "
        "docs/artifacts.md explains them",
    )  # fmt: skip


def _add_gate_options(group: "argparse._ArgumentGroup") -> None:
    add = group.add_argument
    add(
        "--max-drop", type=float, default=0.5, metavar="POINTS",
        help="largest drop of top-1 accuracy, in percentage points (default: %(default)s)",
    )  # fmt: skip
    add(
        "--max-class-drop", type=float, default=2.0, metavar="POINTS",
        help="largest drop of the recall of one label, in percentage points (default: %(default)s)",
    )  # fmt: skip
    add(
        "--min-agreement", type=float, metavar="PERCENT",
        help="smallest percentage of images with the same label as the model (default: 99.9 for fp32, 99 for fp16, 97 "
        "for int8)",
    )  # fmt: skip


if __name__ == "__main__":
    run_command(parse, run)
