"""The command `adopt`: from a model and images to an artifact, with what was found on the way."""

import argparse
import logging
from pathlib import Path

import numpy as np

from convert.adopt.candidates import LabeledPixels, check_plausible, clearly_best, fit_of, fits_table, try_all
from convert.adopt.labels import match_labels, read_labels
from convert.adopt.normalization import NONE, Normalization, parse_normalization
from convert.adopt.originals.base import Original, Wanted
from convert.adopt.originals.open import SUFFIXES, check_path, open_original
from convert.adopt.outputs import find_kind, to_probabilities
from convert.adopt.publication import Plan, adopt, refuse_other_models
from convert.precision.calibration_sample import draw_sample
from temper.artifact import Artifact
from temper.card import PRECISIONS
from temper.card.adoption import OutputKind
from temper.cli.progress import ProgressCallback, ProgressDisplay
from temper.cli.text import percent, plural
from temper.dataset.find import find_examples
from temper.dataset.split import Example
from temper.errors import UsageError
from temper.formats import suffixes
from temper.images import load_images

LOGGER = logging.getLogger("temper.convert")
# Of them the paired interval of two preprocessings is about three points wide.
TRIAL_IMAGES = 256
FOLDER = Path("artifacts")
SEED = 0


def run_adopt(options: argparse.Namespace) -> str:
    """Adopt a model; returns what was found, as text."""
    if not 0 < options.held_out_fraction < 1:
        raise UsageError(
            f"--held-out-fraction is {options.held_out_fraction:g}",
            fix="Expected a number between 0 and 1, such as 0.6.",
        )
    named = parse_normalization(options.preprocessing) if options.preprocessing else None
    given = read_labels(options.labels) if options.labels else None
    check_path(options.original, options.trust)
    if options.signature and not options.original.is_dir():
        raise UsageError(f"--signature is one of a SavedModel, and {options.original} is a file", fix="Leave it out.")
    target = target_of(options.original, options.out)
    refuse_other_models(target)
    examples = find_examples(options.data, options.held_out_fraction, SEED)
    labels = given or tuple(sorted({each.label for each in examples}))
    wanted = Wanted(layout=options.layout, size=options.size, signature=options.signature)
    with ProgressDisplay() as progress, open_original(options.original, wanted, options.trust) as original:
        match_labels(labels, examples, original.outputs, original.name)
        _note_labels(labels, examples, is_given=given is not None)
        trial = trial_images(examples, labels, original.spec.size)
        kind, normalization = _decide(original, trial, labels, named, options.output, progress)
        plan = Plan(
            original=original, labels=labels, normalization=normalization, kind=kind, folder=options.data,
            examples=examples,
        )  # fmt: skip
        artifact = adopt(plan, target, progress)
    return describe(artifact)


def target_of(original: Path, out: Path | None) -> Artifact:
    """The artifact that an original becomes. Raises UsageError for a name with another suffix, or with a precision."""
    suffix = ".keras" if original.suffix in (".keras", ".h5", ".hdf5") else ".fp32.onnx"
    if out and (out.is_dir() or not out.name):
        raise UsageError(f"--out {out} is a folder", fix=f"Add the name of the artifact: --out {out / 'NAME'}.")
    name = original.stem if original.suffix in (*SUFFIXES, *suffixes()) else original.name
    path = out or FOLDER / (name if suffix == ".keras" else name.removesuffix(".fp32"))
    stem = path.name.removesuffix(suffix)
    wrong = next((each for each in (*suffixes(), *(f".{p}" for p in PRECISIONS)) if stem.endswith(each)), "")
    if wrong or not stem:
        what = f"--out {out} ends with {wrong}" if out else f"{original.name} would become {path}{suffix}"
        better = path.with_name(stem.removesuffix(wrong) or "NAME")
        raise UsageError(
            f"{what}, and {original.name} becomes an artifact {suffix}. Expected a name without a suffix",
            fix=f"Name it: --out {better}.",
        )
    return Artifact.at(path.with_name(stem + suffix))


def _note_labels(labels: tuple[str, ...], examples: list[Example], is_given: bool) -> None:
    if not is_given:
        LOGGER.info("labels in the order of the output: %s (the folders, sorted)", ", ".join(labels))
    absent = len(labels) - len({each.label for each in examples})
    if absent:
        LOGGER.warning("%d of %d labels are without images: nothing is verified for them", absent, len(labels))


def trial_images(examples: list[Example], labels: tuple[str, ...], size: int) -> LabeledPixels:
    """Images on which preprocessing is chosen, resized; those that prove are others."""
    sample = draw_sample([each for each in examples if each.subset != "test"], TRIAL_IMAGES, SEED)
    pixels = np.stack(list(load_images((each.path for each in sample), size)))
    return LabeledPixels(pixels=pixels, truth=np.array([labels.index(each.label) for each in sample]))


def _decide(
    original: Original,
    trial: LabeledPixels,
    labels: tuple[str, ...],
    named: Normalization | None,
    output: str,
    progress: ProgressCallback,
) -> tuple[OutputKind, Normalization]:
    """What the model gives, and the preprocessing that is named or fits best."""
    if named is None:
        kind, fits = try_all(original, trial, output, progress)
        LOGGER.info("%s", fits_table(fits).plain())
        check_plausible(fits, labels, named=False)
        return kind, clearly_best(fits)
    if original.spec.dtype == "uint8" and not named.is_identity:
        raise UsageError(
            f"{original.name} takes uint8, so its preprocessing is inside",
            fix=f"Leave --preprocessing out, or name {NONE.name}.",
        )
    raw = original.raw(trial.pixels, named)
    kind = find_kind(raw, original.name, output)
    fit = fit_of(named, to_probabilities(raw, kind), trial.truth)
    check_plausible([fit], labels, named=True)
    return kind, named


def describe(artifact: Artifact) -> str:
    """What was found about an adopted model, in two lines; "" for another artifact."""
    adopted = artifact.card.adopted
    if adopted is None:
        return ""
    return (
        f"{artifact.path}: {adopted.original} with preprocessing {adopted.preprocessing}, {adopted.layout} "
        f"{adopted.dtype} input of {artifact.card.size} pixels, and {adopted.output} as output.\n"
        f"On {plural(adopted.images, 'held-out image')} it gives the labels of the original; probabilities differ by "
        f"at most {adopted.max_difference:.1e}. Top-1 accuracy: {percent(adopted.accuracy)}."
    )
