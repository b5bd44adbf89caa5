"""Writes the measured rate within a limit of latency into the cards, where the server reads it."""

import hashlib
import logging

from benchmarks.analysis.report import CaseResult, Report
from benchmarks.cases import Case
from temper.artifact import Artifact
from temper.card import LatencyBudget, write_card
from temper.card.files import card_text
from temper.errors import UserError
from temper.trust.records import record_new_card
from temper.trust.signature import signature_path

LOGGER = logging.getLogger("temper.benchmarks")


def write_budgets(cases: list[Case], report: Report) -> None:
    """Write the rate of each case that has one into the card of its artifact; a message names those without."""
    results = {each.name: each for each in report.cases}
    for case in cases:
        result = results[case.name]
        if result.within_limit is None:
            continue
        if not result.within_limit.images_per_second:
            limit = result.within_limit.limit_ms
            LOGGER.warning("%s: no rate that was tried keeps a p99 of %g ms; its card stays as it is", case.name, limit)
        elif signature_path(case.artifact).exists():
            LOGGER.warning(
                "%s is signed, so its card stays as it is. To use the measured rate, remove %s, measure again, and "
                "sign the artifact again.",
                case.name,
                signature_path(case.artifact).name,
            )
        else:
            _write_budget(case.artifact, result.sha256, budget_of(result, report))


def budget_of(result: CaseResult, report: Report) -> LatencyBudget:
    """The record for the card."""
    measured = result.within_limit
    assert measured
    return LatencyBudget(
        limit_ms=measured.limit_ms,
        max_batch=measured.max_batch,
        images_per_second=round(measured.images_per_second, 2),
        p99_ms=round(measured.p99_ms, 3),
        processor=report.host.processor,
        cores=report.host.cores,
        device=result.device,
        runtime=result.runtime,
    )


def _write_budget(artifact: Artifact, measured: str, budget: LatencyBudget) -> None:
    try:
        _replace_card(artifact, measured, budget)
    except (OSError, UserError) as error:
        LOGGER.warning("the measured rate could not be written into the card of %s: %s", artifact.name, error)


def _replace_card(artifact: Artifact, measured: str, budget: LatencyBudget) -> None:
    former = artifact.card_sha256()
    artifact.check()
    if artifact.card.sha256 != measured:
        LOGGER.warning("%s was published anew meanwhile, so its card stays as it is", artifact.name)
        return
    card = artifact.card.changed(latency_budget=budget)
    record_new_card(artifact, former, hashlib.sha256(card_text(card).encode()).hexdigest())
    write_card(artifact.path, card)
