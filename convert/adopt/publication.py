"""Wraps an original, proves that it predicts as before, and publishes it with its card and golden predictions."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.adopt.candidates import fit_of
from convert.adopt.normalization import Normalization
from convert.adopt.originals.base import Original
from convert.adopt.outputs import to_probabilities
from convert.dataset import ModelDataset
from convert.verification.parity import golden_predictions
from temper.artifact import Artifact
from temper.card import Adoption, Card, Dataset, write_card
from temper.card.adoption import OutputKind
from temper.cli.progress import ProgressCallback, no_progress
from temper.dataset.listing import dataset_title
from temper.dataset.split import Example, write_split
from temper.errors import ArtifactError, QualityError
from temper.provenance import provenance
from temper.reference import write_reference
from temper.runners.base import Probabilities
from temper.runners.load import load_runner
from temper.storage.atomic import atomic_write
from temper.system.host import describe_host
from temper.trust.records import record_made_here

LOGGER = logging.getLogger("temper.convert")
# Between the probabilities of the original and of the wrapped model: what single precision may round differently.
MAX_DIFFERENCE = 1e-3
# Where the original itself has two labels so close together, rounding decides between them.
MAX_TIE = 1e-4
PACKAGES = ("keras", "tensorflow", "onnx", "onnxruntime", "tf2onnx", "numpy")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is adopted, and how. folder: of the images; examples: those with their subsets."""

    original: Original
    labels: tuple[str, ...]
    normalization: Normalization
    kind: OutputKind
    folder: Path
    examples: list[Example]


def adopt(plan: Plan, target: Artifact, progress: ProgressCallback = no_progress) -> Artifact:
    """Wrap, prove and publish; the files of an earlier adoption are replaced all at once.

    Raises QualityError when the wrapped model predicts differently: then nothing is published.
    """
    refuse_other_models(target)
    with atomic_write(target.path) as path:
        split = write_split(path.with_name(f"{target.model_name}.split.csv"), plan.folder, plan.examples)
        dataset = Dataset(split=split, folder=str(plan.folder.resolve()), title=dataset_title(plan.folder))
        card = Card(labels=plan.labels, size=plan.original.spec.size, dataset=dataset)
        draft = ModelDataset(model=Artifact.with_card(path, card))
        examples = draft.held_out()
        batches = draft.batches(examples, progress, f"predicting with {plan.original.name}")
        expected = np.concatenate([_predictions(plan, batch) for batch in batches])
        LOGGER.info("%s: wrapping %s", target.name, plan.original.name)
        plan.original.save_wrapped(path, plan.normalization, plan.kind)
        card = card.changed(sha256=Artifact.at(path).sha256(), provenance=provenance(PACKAGES), host=describe_host())
        wrapped = ModelDataset(model=Artifact.with_card(path, card))
        LOGGER.info("%s: comparing with %s on %d held-out images", target.name, plan.original.name, len(examples))
        with load_runner(wrapped.model) as runner:
            difference = check_equal(expected, wrapped.predict(runner, examples, progress), plan.original.name)
        write_reference(wrapped.model, expected)
        truth = np.array([plan.labels.index(each.label) for each in examples])
        card = card.changed(
            golden=golden_predictions(wrapped, path.parent), adopted=_record(plan, expected, truth, difference)
        )
        write_card(path, card)
        record_made_here(Artifact.at(path))
    return Artifact.at(target.path)


def check_equal(expected: Probabilities, predicted: Probabilities, name: str) -> float:
    """The largest difference of probabilities [n, classes]. Raises QualityError when it, or a label, is too different.

    A label may differ where the original gives both labels nearly the same probability (MAX_TIE).
    """
    difference = float(np.abs(expected - predicted).max())
    after = predicted.argmax(axis=1)
    gaps = expected.max(axis=1) - expected[np.arange(len(expected)), after]
    changed = int((gaps > MAX_TIE).sum())
    if difference > MAX_DIFFERENCE or changed:
        raise QualityError(
            f"the wrapped model does not predict as {name} does: probabilities differ by up to {difference:.4f} (the "
            f"limit is {MAX_DIFFERENCE:g}), and {changed} of {len(expected)} images get another label. Nothing was "
            "published",
            fix="Check --preprocessing and --layout, or export the model in another format.",
        )
    return difference


def refuse_other_models(target: Artifact) -> None:
    """Raise ArtifactError where the name belongs to a model that is no adoption, or that is stored in another format.

    What was trained can not be adopted again.
    """
    fix = "Name another path: --out."
    target.refuse_foreign(fix=fix)
    for each in (target.path.with_name(f"{target.model_name}.keras"), target.sibling("fp32", ".onnx").path):
        there = Artifact.at(each)
        if not there.exists or not there.is_model:
            continue
        if there != target or not there.card.adopted:
            raise ArtifactError(f"{each} is another model of this name", fix=fix)
    if target.exists and not target.is_model:
        raise ArtifactError(f"{target.path} was converted from another model", fix=fix)


def _predictions(plan: Plan, images: NDArray[np.uint8]) -> Probabilities:
    return to_probabilities(plan.original.raw(images, plan.normalization), plan.kind)


def _record(plan: Plan, expected: Probabilities, truth: NDArray[np.int64], difference: float) -> Adoption:
    original = plan.original
    return Adoption(
        original=original.name,
        sha256=original.sha256,
        stored_as=original.stored_as,
        preprocessing=plan.normalization.name,
        layout=original.spec.layout,
        dtype=original.spec.dtype,
        output=plan.kind,
        images=len(expected),
        accuracy=fit_of(plan.normalization, expected, truth).accuracy,
        max_difference=difference,
    )
