import shutil
from pathlib import Path

import msgspec
import pytest

from benchmarks.analysis.report_file import read_report
from benchmarks.cases import Case, find_cases
from benchmarks.latency_budgets import write_budgets
from benchmarks.measurement.latency_budget import RateWithinLimit
from temper.artifact import Artifact
from temper.card import read_card, write_card
from temper.trust.records import is_recorded, record_made_here
from tests.benchmarks.sample_reports import case_result, report
from tests.benchmarks.test_run import start

FOUND = RateWithinLimit(limit_ms=20, max_batch=4, images_per_second=81.25, p99_ms=18.5)


@pytest.fixture
def case(made_bundle: Path, tmp_path: Path) -> Case:
    """The tiny ONNX artifact."""
    name = "model.fp32.onnx"
    for file in (name, f"{name}.json", "model.split.csv"):
        shutil.copy(made_bundle.with_name(file), tmp_path / file)
    return find_cases([tmp_path / name])[0]


def write(case: Case, found: RateWithinLimit | None, sha256: str = "") -> None:
    result = msgspec.structs.replace(
        case_result(case.name, 5), within_limit=found, sha256=sha256 or case.artifact.card.sha256
    )
    write_budgets([case], report(result))


def test_the_rate_is_written_into_the_card_with_the_machine(case: Case) -> None:
    before = read_card(case.artifact.path)
    write(case, FOUND)
    card = read_card(case.artifact.path)
    budget = card.latency_budget
    assert budget
    assert (budget.limit_ms, budget.max_batch, budget.images_per_second, budget.p99_ms) == (20, 4, 81.25, 18.5)
    assert (budget.processor, budget.runtime) == (report().host.processor, "ONNX Runtime 1")
    assert card.changed(latency_budget=None) == before


def test_an_artifact_that_was_made_here_is_still_known_as_that(case: Case) -> None:
    record_made_here(case.artifact)
    write(case, FOUND)
    artifact = Artifact.at(case.artifact.path)
    assert artifact.card.latency_budget
    assert is_recorded("made-here", artifact, artifact.card_sha256())


def test_an_artifact_of_unknown_origin_stays_unknown(case: Case) -> None:
    # The bundle of the tests was made here; with another card it is unknown.
    write_card(case.artifact.path, case.artifact.card.changed(confidence_threshold=0.123))
    case.artifact.reread_card()
    write(case, FOUND)
    artifact = Artifact.at(case.artifact.path)
    assert not any(is_recorded(kind, artifact, artifact.card_sha256()) for kind in ("made-here", "trusted-by-hand"))


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, ""),
        (msgspec.structs.replace(FOUND, images_per_second=0.0), "no rate that was tried keeps a p99 of 20 ms"),
    ],
)
def test_without_a_rate_the_card_stays_as_it_is(
    case: Case, found: RateWithinLimit | None, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = case.artifact.card_path.read_bytes()
    write(case, found)
    assert case.artifact.card_path.read_bytes() == before
    assert message in caplog.text


def test_the_card_of_a_signed_artifact_stays_as_it_is(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    before = case.artifact.card_path.read_bytes()
    case.artifact.path.with_name(f"{case.artifact.name}.sig").touch()
    write(case, FOUND)
    assert case.artifact.card_path.read_bytes() == before
    assert "is signed" in caplog.text


def test_an_artifact_that_was_published_anew_meanwhile_is_not_changed(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    before = case.artifact.card_path.read_bytes()
    write(case, FOUND, sha256="0" * 64)
    assert case.artifact.card_path.read_bytes() == before
    assert "published anew" in caplog.text


def test_a_damaged_artifact_is_reported_and_its_card_stays(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    before = case.artifact.card_path.read_bytes()
    case.artifact.path.write_bytes(b"damaged")
    write(case, FOUND)
    assert case.artifact.card_path.read_bytes() == before
    assert "could not be written" in caplog.text


@pytest.mark.programs
def test_the_command_reports_the_rate_and_writes_it_into_the_card(made_bundle: Path, case: Case) -> None:
    folder = case.artifact.path.parent
    shutil.copy(made_bundle.with_name("model.reference.npz"), folder)
    process = start(folder, "--seconds", 0.1, "--quick", "--p99-ms", 1000)
    assert process.returncode == 0, process.stderr
    assert "p99 at most, ms" in process.stdout
    (result,) = read_report(folder / "report" / "report.json").cases
    budget = read_card(case.artifact.path).latency_budget
    assert result.within_limit and budget
    assert budget.images_per_second == pytest.approx(result.within_limit.images_per_second, abs=0.01)
    assert 0 < budget.p99_ms <= budget.limit_ms == 1000
    assert "## Within a limit of latency" in (folder / "report" / "report.md").read_text()
    assert "<h2>Within a limit of latency</h2>" in (folder / "report" / "report.html").read_text()
