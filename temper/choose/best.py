"""Of a folder, the best artifact that runs on this machine."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from temper.artifact import Artifact
from temper.card import Host
from temper.compatibility import check_compatibility
from temper.errors import ArtifactError, IncompatibleMachine, UserError
from temper.formats import format_of
from temper.system.environment import detect_environment
from temper.system.host import describe_host
from temper.trust.policy import authenticate

LOGGER = logging.getLogger("temper.choose")
# Where `python benchmarks/run.py FOLDER` writes its report.
REPORT = Path("report", "report.json")
# The largest drop of top-1 in a report that counts as intact: the limit of the accuracy gate of conversions.
MAX_DROP = 0.005
NO_PREFERENCE = 99


class _Estimate(Struct, frozen=True):
    value: float


class _Throughput(Struct, frozen=True):
    images_per_second: _Estimate


class _Accuracy(Struct, frozen=True):
    drop: _Estimate | None = None


class _Case(Struct, frozen=True):
    artifact: str
    sha256: str = ""
    accuracy: _Accuracy | None = None
    throughput: tuple[_Throughput, ...] = ()


class _Report(Struct, frozen=True):
    """The fields of a benchmark's report that decide here."""

    host: Host
    cases: tuple[_Case, ...]


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """An artifact that runs here; images_per_second: as measured, 0 where it was not."""

    artifact: Artifact
    images_per_second: float

    @property
    def rank(self) -> tuple[float, int, str]:
        """Smaller is better."""
        preference = self.artifact.format.preference.get(self.artifact.card.precision, NO_PREFERENCE)
        return -self.images_per_second, preference, self.artifact.name

    @property
    def reason(self) -> str:
        """Why it is the best."""
        what = f"{self.artifact.card.precision}, {self.artifact.format.title}"
        if self.images_per_second:
            return f"{what}; the fastest in {REPORT}, measured on this kind of machine: {self.images_per_second:.0f}/s"
        return f"{what}; the first of Temper's order of formats that runs here"


def best_in(folder: Path, require_signature: bool = False) -> Artifact:
    """The best artifact of a folder that runs on this machine. Logs and raises what `temper.choose.choose` says."""
    artifacts = list(_artifacts_in(folder))
    _refuse_several_models(folder, artifacts)
    rates = _measured_rates(folder)
    candidates = [
        _Candidate(artifact=each, images_per_second=rates.get((each.name, each.card.sha256), 0.0))
        for each in _compatible(folder, artifacts)
    ]
    for candidate in sorted(candidates, key=lambda each: each.rank):
        try:
            authenticate(candidate.artifact.verified(), require_signature)
        except UserError as error:
            LOGGER.warning("%s", error)
            continue
        LOGGER.info("%s: %s", candidate.artifact.path, candidate.reason)
        return candidate.artifact
    raise ArtifactError(
        f"every artifact in {folder} that would run here is damaged, or of unknown origin",
        fix="Copy or convert them again, or sign them; the warnings above say more.",
    )


def _artifacts_in(folder: Path) -> Iterator[Artifact]:
    for file in sorted(folder.iterdir()):
        if not format_of(file.name) or not (artifact := Artifact.at(file)).exists:
            continue
        try:
            _ = artifact.card
        except ArtifactError as error:
            LOGGER.warning("%s", error)
            continue
        yield artifact


def _refuse_several_models(folder: Path, artifacts: list[Artifact]) -> None:
    if not artifacts:
        raise ArtifactError(
            f"{folder} contains no artifact with a card", fix="Name another folder, or convert a model first."
        )
    models: dict[tuple[object, ...], Artifact] = {}
    for each in artifacts:
        known = each.card.provenance.model_sha256 or (each.card.sha256 if each.is_model else "")
        models.setdefault((each.model_name, each.card.labels, each.card.size, known), each)
    # An artifact of an old version does not record its model: its name decides.
    named = {key[:3] for key in models if key[3]}
    several = [each for key, each in models.items() if key[3] or key[:3] not in named]
    if len(several) > 1:
        names = ", ".join(each.name for each in several)
        raise ArtifactError(
            f"{folder} holds artifacts of {len(several)} models (or of one model before and after a training), such as "
            f"{names}",
            fix=f"Name the artifact itself, such as {several[0].path}, or put each model into a folder of its own.",
        )


def _compatible(folder: Path, artifacts: list[Artifact]) -> list[Artifact]:
    environment = detect_environment()
    problems = {each: check_compatibility(each, environment) for each in artifacts}
    for problem in filter(None, problems.values()):
        LOGGER.debug("%s", problem.what)
    compatible = [each for each, problem in problems.items() if problem is None]
    if not compatible:
        reasons = "; ".join(problem.what for problem in problems.values() if problem)
        raise IncompatibleMachine(
            f"no artifact in {folder} runs on this machine: {reasons}", fix="`temper doctor ARTIFACT` shows the remedy."
        )
    return compatible


def _measured_rates(folder: Path) -> dict[tuple[str, str], float]:
    """Images per second by the name and SHA-256 of an artifact; empty without a report of this kind of machine."""
    try:
        report = msgspec.json.decode((folder / REPORT).read_bytes(), type=_Report)
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        LOGGER.debug("%s cannot be read: %s", folder / REPORT, error)
        return {}
    if _kind(report.host) != _kind(describe_host()):
        return {}
    rates: dict[tuple[str, str], float] = {}
    for case in report.cases:
        drop = case.accuracy.drop if case.accuracy else None
        if case.sha256 and case.throughput and not (drop and drop.value > MAX_DROP):
            fastest = max(each.images_per_second.value for each in case.throughput)
            # The first mode of a format is the one that is used.
            rates.setdefault((case.artifact, case.sha256), fastest)
    return rates


def _kind(host: Host) -> tuple[object, ...]:
    return host.processor, host.cores, host.system
