"""From the samples of a session to the figures of each artifact: validation images to choose, test images to report."""

import datetime
from dataclasses import dataclass

import msgspec
import numpy as np

from benchmarks.analysis.report import Accuracy, CaseResult, Control
from benchmarks.analysis.statistics import Estimate, proportion
from benchmarks.analysis.summarize import Context, summarize
from benchmarks.benchmark import PACKAGES
from benchmarks.evaluation_set import EvaluationSet, dataset_title_of
from benchmarks.measurement.samples import Samples
from choose.options import Network
from choose.records import Failure, Measured, Measurement
from temper.dataset.split import Example
from temper.errors import UserError
from temper.provenance import package_versions
from temper.runners.base import Probabilities
from temper.system.host import describe_host

# The network that users know, in the precision that is the fastest one on most machines.
BASELINE_BACKBONE, BASELINE_PRECISION = "resnet50", "int8"


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """The images that every artifact has classified: first those of validation, then those of test."""

    validation: list[Example]
    test: list[Example]

    def split(self, probabilities: Probabilities) -> tuple[Probabilities, Probabilities]:
        """Probabilities [n, classes] of the validation images, and of the test images."""
        n = len(self.validation)
        return probabilities[:n], probabilities[n:]


@dataclass(frozen=True, kw_only=True)
class Session:
    """What was measured. samples: of each artifact, with its network. conditions: as in a benchmark's report."""

    samples: dict[Samples, Network]
    held_out: HeldOut
    control: Control | None
    conditions: dict[str, dict[str, str]]


def summarize_session(session: Session, baseline_name: str, key: str, seconds: float) -> Measurement:
    """The measurement as a record. baseline_name: "" for the default. Raises UserError when no artifact has run."""
    running = {each: network for each, network in session.samples.items() if each.probabilities is not None}
    running = {each: network for each, network in running.items() if not each.skipped}
    if not running:
        reasons = "\n".join(f"{each.name}: {each.skipped}" for each in session.samples)
        raise UserError(f"no artifact could be measured:\n{reasons}")
    baseline = pick_baseline(running, baseline_name)
    return Measurement(
        key=key,
        dataset=dataset_title_of(baseline.case.artifact),
        validation_images=len(session.held_out.validation),
        test_images=len(session.held_out.test),
        baseline=baseline.name,
        batch=max(baseline.throughput),
        seconds=seconds,
        control=session.control,
        host=describe_host(),
        versions=package_versions(*PACKAGES),
        conditions=session.conditions,
        created=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        artifacts=tuple(_measured(running, baseline, session.held_out)),
        failures=tuple(Failure(name=each.name, reason=each.skipped) for each in session.samples if each.skipped),
    )


def pick_baseline(running: dict[Samples, Network], name: str = "") -> Samples:
    """The fastest int8 artifact of ResNet50 at its largest size; without ResNet50, of the first network.

    name: of another baseline. Raises UserError when that did not run.
    """
    if name:
        named = next((each for each in running if each.name == name), None)
        if named is None:
            raise UserError(f"the baseline {name} did not run", fix="Name another one with --baseline.")
        return named
    known = [network for network in running.values() if network.backbone == BASELINE_BACKBONE]
    network = max(known, key=lambda each: each.size) if known else next(iter(running.values()))
    own = [each for each in running if running[each] == network]
    int8 = [each for each in own if each.case.card.precision == BASELINE_PRECISION]
    return min(int8 or own, key=_milliseconds)


def _measured(running: dict[Samples, Network], baseline: Samples, held_out: HeldOut) -> list[Measured]:
    labels = baseline.case.card.labels
    context = Context(
        evaluation=EvaluationSet(title="", labels=labels, size=baseline.case.card.size, examples=held_out.test),
        keras=held_out.split(_probabilities(baseline))[1],
        baselines=[baseline],
    )
    truth = np.array([labels.index(each.label) for each in held_out.validation])
    rows = []
    for samples, network in running.items():
        validation, samples.probabilities = held_out.split(_probabilities(samples))
        rows.append(
            Measured(
                backbone=network.backbone,
                size=network.size,
                path=f"{network.folder.name}/{samples.case.artifact.name}",
                validation=_top1(validation, truth),
                test=_without_flips(summarize(samples, context)),
            )
        )
    return rows


def _without_flips(result: CaseResult) -> CaseResult:
    """Only the paired drop compares different networks; the rest is meant for conversions of one model."""
    if result.accuracy is None:
        return result
    accuracy = Accuracy(top1=result.accuracy.top1, drop=result.accuracy.drop)
    return msgspec.structs.replace(result, accuracy=accuracy)


def _top1(probabilities: Probabilities, truth: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]") -> Estimate:
    return proportion(int((probabilities.argmax(axis=1) == truth).sum()), len(truth))


def _probabilities(samples: Samples) -> Probabilities:
    if samples.probabilities is None:
        raise ValueError(f"{samples.name} has predicted nothing")
    return samples.probabilities


def _milliseconds(samples: Samples) -> float:
    return float(np.median([seconds for calls in samples.latency for seconds in calls.wall_seconds]))
