"""Conversions that the accuracy gate has rejected, as long as another attempt would end in the same way."""

from choose.steps import Target
from convert.pipeline import Pipeline
from convert.targets import conversion_of, rejected_path, source_of
from convert.verification.accuracy_gate import violations
from temper import __version__
from temper.artifact import Artifact
from temper.card import Precision, Provenance, card_path, read_card
from temper.errors import ArtifactError
from temper.provenance import commit, package_versions


def rejections(pipeline: Pipeline, targets: list[Target]) -> dict[str, str]:
    """Why targets were rejected, by name: those that today's source, settings, versions and limits would make again."""
    reasons = {target.name: _violations(pipeline, target, precision) for target, precision in targets}
    return {name: f"rejected by the accuracy gate: {'; '.join(each)}" for name, each in reasons.items() if each}


def _violations(pipeline: Pipeline, target: Artifact, precision: Precision) -> list[str]:
    path, source = rejected_path(target.path), source_of(pipeline.dataset.model, conversion_of(target, precision))
    try:
        if not (card_path(path).exists() and source.exists):
            return []
        card, source_sha256 = read_card(path), source.card.sha256
    except ArtifactError:
        return []
    made = card.provenance
    same_source = made.source is not None and made.source.sha256 == source_sha256
    if not same_source or made.settings != pipeline.settings_of(target, precision) or not _has_same_versions(made):
        return []
    return violations(card.measured_agreement, pipeline.limits, precision) if card.measured_agreement else []


def _has_same_versions(made: Provenance) -> bool:
    same_project = (made.temper, made.commit) == (__version__, commit())
    return same_project and made.versions == package_versions(*made.versions)
