"""From a model to a target: source, current?, convert in scratch, check parity, apply the gate, publish.

Until the last step nothing in the folder changes: a rejected or interrupted conversion leaves what was there before.
"""

import logging
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from convert.dataset import ModelDataset
from convert.job import CardFields, Converter, Job
from convert.settings import CONSTANTS, ConversionSettings
from convert.targets import conversion_of, layers_path, load_function, rejected_path, rejected_paths, source_of
from convert.verification.accuracy_gate import GateLimits, violations
from convert.verification.parity import baseline, compare, golden_predictions
from temper.artifact import Artifact
from temper.card import Card, FileReference, Precision, card_path
from temper.card.files import card_text
from temper.cli.progress import ProgressCallback, no_progress
from temper.compatibility import check_compatibility
from temper.dataset.split import Example
from temper.errors import ArtifactError, IncompatibleMachine, MissingRuntime, QualityError, UsageError
from temper.formats import Conversion
from temper.provenance import provenance
from temper.reference import has_golden
from temper.runners.checks.onnx_file import check_onnx
from temper.runners.load import load_runner
from temper.storage.atomic import own_temporary_files, remove_stale_scratch, scratch_beside
from temper.storage.publish import publish
from temper.storage.space import check_space, explain_full_disk
from temper.system.environment import detect_environment
from temper.system.gpu import find_gpu
from temper.system.host import describe_host
from temper.trust.policy import authenticate
from temper.trust.records import record_made_here

PACKAGES = ("keras", "tensorflow", "numpy")
SMALL_FILES_BYTES = 500_000
LOGGER = logging.getLogger("temper.convert")


class ConversionRejected(QualityError):
    """A conversion that the accuracy gate rejects."""


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Converts one model; every conversion is verified on the model's held-out images."""

    dataset: ModelDataset
    limits: GateLimits
    settings: ConversionSettings
    progress: ProgressCallback = no_progress

    def build(self, target: Artifact, precision: Precision, force: bool = False) -> Artifact:
        """Convert the model to a target, and before that what the target is converted from; returns what is published.

        An artifact that is up to date is not converted again unless `force` is set; `force` is for the target alone.
        Raises ConversionRejected when the gate rejects it: the files are then beside the target as `….rejected`.
        Raises ArtifactError for an existing target that Temper did not make, MissingRuntime without a needed library,
        UsageError for a target that is not possible, DataError for missing images.
        """
        conversion = conversion_of(target, precision)
        if target == self.dataset.model:
            raise UsageError(f"{target.path} is the model itself", fix="Name another target.")
        target.refuse_foreign(layers_path(target.path), force=force)
        remove_stale_scratch(target.path.parent)
        source = self._source(conversion)
        if not force and self.is_current(target, source, precision):
            LOGGER.info("%s: up to date", target.name)
            return target
        try:
            return self._convert(source, target, precision)
        except ModuleNotFoundError as error:
            raise MissingRuntime(
                f"{target.name} is converted by {error.name}, which is not installed",
                fix="Install it:\n    pip install -r requirements.txt",
            ) from error

    def is_current(self, target: Artifact, source: Artifact, precision: Precision) -> bool:
        """True when the target is there, undamaged, from the same source and settings, and passes the gate."""
        if not target.exists:
            return False
        try:
            card = target.verified().card
        except ArtifactError:
            return False
        made_from, settings = card.provenance.source, self.settings_of(target, precision)
        same = made_from is not None and made_from.sha256 == source.card.sha256 and card.precision == precision
        agreement = card.measured_agreement
        passes = agreement is None or not violations(agreement, self.limits, precision)
        return same and card.provenance.settings == settings and passes and _runs_here(target)

    def _source(self, conversion: Conversion) -> Artifact:
        model = self.dataset.model
        source = source_of(model, conversion)
        if source == model:
            authenticate(model)
            return model.verified()
        source = self.build(source, conversion.source_precision)
        if source.format.is_program:
            # It may be up to date and from elsewhere.
            authenticate(source)
        if source.format.suffix == ".onnx":
            # The same; a converter would open the files that it names.
            (content,) = source.read()
            check_onnx(content.view, source.path)
        return source

    def settings_of(self, target: Artifact, precision: Precision) -> dict[str, object]:
        """The settings that decide the result of a conversion, as its card records them."""
        conversion = conversion_of(target, precision)
        return {**self.settings.select(conversion.settings), **CONSTANTS.get(conversion.function, {})}

    def _convert(self, source: Artifact, target: Artifact, precision: Precision) -> Artifact:
        # Missing images and files of the user are reported before minutes of work, not after them.
        examples, earlier = self.dataset.held_out(), rejected_paths(target)
        work, sizes = f"the conversion to {target.name}", _sizes(self.dataset.model.bytes)
        check_space(dict(zip((target.path.parent, Path(tempfile.gettempdir())), sizes, strict=True)), work)
        LOGGER.info("%s: converting %s", target.name, source.name)
        with scratch_beside(target.path) as scratch, own_temporary_files() as temporary:
            job = Job(
                source=source, target=scratch / target.name, precision=precision, settings=self.settings,
                dataset=self.dataset, progress=self.progress,
            )  # fmt: skip
            with explain_full_disk(dict(zip((scratch, temporary), sizes, strict=True)), work):
                reasons = self._try_candidates(job, target, examples)
        if not reasons:
            _remove(earlier, target)
            return Artifact.at(target.path)
        raise ConversionRejected(
            f"{target.name} is rejected: {'; '.join(reasons)}. It is stored as {rejected_path(target.path).name}, "
            "which nothing loads; what was published before is unchanged",
            fix="Convert with another precision, use more calibration images, or change the limits: --max-drop, "
            "--max-class-drop, --min-agreement.",
        )

    def _try_candidates(self, job: Job, target: Artifact, examples: list[Example]) -> list[str]:
        """Publish the first candidate that passes the gate, or the last one as rejected, with the reasons."""
        started, reasons = time.perf_counter(), list[str]()
        converter: Converter = load_function(conversion_of(target, job.precision).function)
        for fields in converter(job):
            candidate = Artifact.with_card(job.target, self._card(job, fields, time.perf_counter() - started))
            LOGGER.info("%s: verifying", target.name)
            card = self._verified_card(candidate, job.source, examples)
            agreement = card.measured_agreement
            reasons = violations(agreement, self.limits, job.precision) if agreement else []
            if not reasons:
                self._publish(job, target, card)
                LOGGER.info("%s: done in %.0f s", target.name, time.perf_counter() - started)
                return []
            LOGGER.info("%s: rejected: %s", target.name, "; ".join(reasons))
        _set_aside(job.target.parent, target, card)
        return reasons

    def _card(self, job: Job, fields: CardFields, seconds: float) -> Card:
        source, model = job.source.card, self.dataset.model.card
        draft = Artifact.at(job.target)
        inherited = source.calibration if source.precision == job.precision else None
        return source.changed(
            precision=job.precision,
            batch=fields.batch,
            sha256=draft.sha256(),
            provenance=provenance(
                (*PACKAGES, *fields.packages),
                settings=self.settings_of(draft, job.precision),
                source=FileReference(job.source.name, source.sha256),
                model_sha256=model.sha256,
                build_seconds=seconds,
            ),
            host=describe_host(),
            calibration=fields.calibration or inherited,
            plan=fields.plan,
            training=None,
            latency_budget=None,
        )

    def _publish(self, job: Job, target: Artifact, card: Card) -> None:
        scratch = job.target.parent
        if Artifact.at(job.source.path).verified().card.sha256 != job.source.card.sha256:
            raise ArtifactError(f"{job.source.name} was replaced during the conversion", fix="Convert again.")
        # Minutes have passed since the first check.
        target.refuse_foreign(layers_path(target.path), force=True)
        if not has_golden(Artifact.with_card(target.path, card)):
            card = card.changed(golden=golden_predictions(self.dataset, scratch))
        _write_card(job.target, card)
        record_made_here(Artifact.at(job.target))
        publish(scratch, target.path)

    def _verified_card(self, candidate: Artifact, source: Artifact, examples: list[Example]) -> Card:
        """The candidate's card with its agreement; where it does not run here, with its source's and the reason."""
        card = candidate.card
        try:
            with load_runner(candidate, is_authentic=True) as runner:
                predicted = self.dataset.predict(runner, examples, self.progress)
        except IncompatibleMachine as problem:
            # The file is still in the scratch folder, whose path means nothing to a reader of the card.
            reason = problem.what.splitlines()[0].replace(str(candidate.path), candidate.name)
            return card.changed(agreement=source.card.agreement, not_run=reason)
        expected = baseline(self.dataset, self.progress)
        return card.changed(agreement=compare(expected, predicted, examples, card.labels), not_run="")


def _sizes(model_bytes: int) -> tuple[int, int]:
    """What a conversion writes beside the target, and among the temporary files, in bytes.

    Measured with ResNet50: at most 2.0 times the model (SavedModel) and 2.1 times (calibration). The rest is for
    predictions and cards.
    """
    return int(2.2 * model_bytes) + SMALL_FILES_BYTES, int(2.5 * model_bytes) + SMALL_FILES_BYTES


def _runs_here(artifact: Artifact) -> bool:
    """False for a plan of another GPU or TensorRT, where this machine has a GPU to build one for."""
    if not artifact.format.needs_gpu or not find_gpu():
        return True
    return not check_compatibility(artifact, detect_environment())


def _write_card(draft: Path, card: Card) -> None:
    # In a scratch folder nobody reads a part of it.
    card_path(draft).write_text(card_text(card), encoding="utf-8")


def _set_aside(scratch: Path, target: Artifact, card: Card) -> None:
    """Publish a rejected candidate under a name that no format knows; replaces the last rejected one only."""
    for file in list(scratch.iterdir()):
        file.rename(rejected_path(file))
    rejected = rejected_path(target.path)
    _write_card(scratch / rejected.name, card)
    publish(scratch, rejected)


def _remove(paths: list[Path], target: Artifact) -> None:
    """Move files to a scratch folder, which is removed with them."""
    with scratch_beside(target.path) as scratch:
        for path in paths:
            if path.exists():
                path.replace(scratch / path.name)
