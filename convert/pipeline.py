"""From model.keras to a target: source, current?, convert in scratch, check parity, apply the gate, publish.

Until the last step nothing in the folder changes: a rejected or interrupted conversion leaves what was there before.
"""

import glob
import logging
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from convert.dataset import ModelDataset
from convert.job import CardFields, Converter, Job
from convert.settings import ConversionSettings
from convert.targets import conversion_of, load_function, refuse_foreign
from convert.verification.accuracy_gate import GateLimits, violations
from convert.verification.parity import baseline, compare, golden_predictions
from convert.verification.parity_table import REJECTED
from temper.artifact import Artifact
from temper.card import Card, FileReference, Precision, card_path, write_card
from temper.cli.progress import ProgressCallback, no_progress
from temper.compatibility import check_compatibility
from temper.dataset.split import Example
from temper.errors import ArtifactError, IncompatibleMachine, MissingRuntime, QualityError
from temper.formats import Conversion
from temper.provenance import provenance
from temper.runners.load import load_runner
from temper.storage.atomic import scratch_beside
from temper.storage.publish import publish
from temper.system.environment import detect_environment
from temper.system.gpu import find_gpu
from temper.system.host import describe_host

PACKAGES = ("keras", "tensorflow", "numpy")
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
        refuse_foreign(target)
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
        made_from, settings = card.provenance.source, self._settings(conversion_of(target, precision))
        same = made_from is not None and made_from.sha256 == source.card.sha256 and card.precision == precision
        agreement = card.measured_agreement
        passes = agreement is None or not violations(agreement, self.limits, precision)
        return same and card.provenance.settings == settings and passes and _runs_here(target)

    def _source(self, conversion: Conversion) -> Artifact:
        model = self.dataset.model
        if conversion.source == model.format.suffix:
            return model.verified()
        return self.build(model.sibling(conversion.source_precision, conversion.source), conversion.source_precision)

    def _settings(self, conversion: Conversion) -> dict[str, object]:
        return {"converter": conversion.function, **self.settings.select(conversion.settings)}

    def _convert(self, source: Artifact, target: Artifact, precision: Precision) -> Artifact:
        # Missing images are reported before minutes of work, not after them.
        examples = self.dataset.held_out()
        LOGGER.info("%s: converting %s", target.name, source.name)
        started = time.perf_counter()
        reasons: list[str] = []
        with scratch_beside(target.path) as scratch:
            draft = scratch / target.name
            job = Job(
                source=source, target=draft, precision=precision, settings=self.settings, dataset=self.dataset,
                progress=self.progress,
            )  # fmt: skip
            converter: Converter = load_function(conversion_of(target, precision).function)
            for fields in converter(job):
                candidate = Artifact.with_card(draft, self._card(job, fields, time.perf_counter() - started))
                LOGGER.info("%s: verifying", target.name)
                card = self._verified_card(candidate, source, examples)
                write_card(draft, card)
                agreement = card.measured_agreement
                reasons = violations(agreement, self.limits, precision) if agreement else []
                if not reasons:
                    publish(scratch, target.path)
                    _clear_rejected(target)
                    LOGGER.info("%s: done in %.0f s", target.name, time.perf_counter() - started)
                    return Artifact.at(target.path)
                LOGGER.info("%s: rejected: %s", target.name, "; ".join(reasons))
            _set_aside(scratch, target)
        raise ConversionRejected(
            f"{target.name} is rejected: {'; '.join(reasons)}. It is stored as {target.name}{REJECTED}, which nothing "
            "loads; what was published before is unchanged",
            fix="Convert with another precision, use more calibration images, or raise the limits with --max-drop and "
            "--min-agreement.",
        )

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
                settings=self._settings(conversion_of(draft, job.precision)),
                source=FileReference(job.source.name, source.sha256),
                model_sha256=model.sha256,
                build_seconds=seconds,
            ),
            host=describe_host(),
            golden=source.golden or golden_predictions(self.dataset),
            calibration=fields.calibration or inherited,
            plan=fields.plan,
            training=None,
        )

    def _verified_card(self, candidate: Artifact, source: Artifact, examples: list[Example]) -> Card:
        """The candidate's card with its agreement; where it does not run here, with its source's and the reason."""
        card = candidate.card
        try:
            with load_runner(candidate) as runner:
                predicted = self.dataset.predict(runner, examples)
        except IncompatibleMachine as problem:
            # The file is still in the scratch folder, whose path means nothing to a reader of the card.
            reason = problem.what.splitlines()[0].replace(str(candidate.path), candidate.name)
            return card.changed(agreement=source.card.agreement, not_run=reason)
        return card.changed(agreement=compare(baseline(self.dataset), predicted, examples, card.labels), not_run="")


def _runs_here(artifact: Artifact) -> bool:
    """False for a plan of another GPU or TensorRT, where this machine has a GPU to build one for."""
    if not artifact.format.needs_gpu or not find_gpu():
        return True
    return not check_compatibility(artifact, detect_environment())


def _set_aside(scratch: Path, target: Artifact) -> None:
    """Publish a rejected candidate under a name that no format knows; replaces the last rejected one only."""
    rejected = target.path.with_name(target.name + REJECTED)
    for file in list(scratch.iterdir()):
        is_card = file.name == target.card_path.name
        file.rename(scratch / (card_path(rejected).name if is_card else file.name + REJECTED))
    publish(scratch, rejected)


def _clear_rejected(target: Artifact) -> None:
    rejected = [path.with_name(path.name + REJECTED) for path in target.files]
    beside = target.path.parent.glob(f"{glob.escape(target.name)}.*{REJECTED}")
    for path in [*rejected, *beside, card_path(rejected[0])]:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
