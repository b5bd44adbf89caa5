"""The command on the tiny classifier, in processes of its own, without TensorFlow."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks.analysis.report import CaseResult, Report
from benchmarks.analysis.report_file import read_report, report_text
from benchmarks.run import parse, run
from temper.artifact import Artifact
from temper.card import read_card, write_card
from temper.errors import ArtifactError, ResourceError, UserError
from temper.exit_codes import ExitCode
from temper.storage.digest import sha256_of
from temper.trust.records import record_made_here
from tests.benchmarks.sample_reports import case_result, write
from tests.benchmarks.sample_reports import report as sample_report

COMMAND = Path(__file__).parents[2] / "benchmarks" / "run.py"


def start(*arguments: object, limit_seconds: float = 100) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, str(COMMAND), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=limit_seconds, check=False)


def bench(*arguments: object) -> int:
    """The command in this process: its exit code."""
    return run(parse([str(each) for each in arguments]))


@pytest.fixture(scope="module")
def folder(made_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny ONNX artifact, and a plan that no machine without a GPU can run."""
    home = tmp_path_factory.mktemp("artifacts")
    onnx = home / "model.fp32.onnx"
    for name in (onnx.name, f"{onnx.name}.json", "model.split.csv", "model.reference.npz"):
        shutil.copy(made_bundle.with_name(name), home / name)
    plan = home / "model.fp32.plan"
    plan.write_bytes(b"no plan")
    write_card(plan, read_card(onnx).changed(sha256=sha256_of(plan)))
    record_made_here(Artifact.at(plan))
    return home


@pytest.fixture(scope="module")
def process(folder: Path) -> subprocess.CompletedProcess[str]:
    return start(folder, "--seconds", 0.1, "--quick")


@pytest.mark.parametrize("out", ["file", "file/report"])
def test_a_report_that_cannot_be_written_is_refused_before_the_measurement(out: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ResourceError, match=f"{out}.* is no folder that can be written"):
        run(parse([str(tmp_path), "--out", str(tmp_path / out)]))


@pytest.fixture
def report(process: subprocess.CompletedProcess[str], folder: Path) -> Report:
    assert process.returncode == 0, process.stderr
    return read_report(folder / "report" / "report.json")


@pytest.fixture
def onnx(report: Report) -> CaseResult:
    return report.cases[0]


@pytest.mark.programs
def test_the_report_follows_the_schema_of_its_types(report: Report) -> None:
    # Imported here: it compiles a grammar for a second.
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(json.loads(report_text(report)), msgspec.json.schema(Report))


@pytest.mark.programs
def test_a_case_without_its_runtime_is_skipped_with_the_reason_and_the_others_run(report: Report) -> None:
    onnx, plan = report.cases
    assert (onnx.name, plan.name) == ("model.fp32.onnx", "model.fp32.plan")
    assert onnx.latency
    assert "GPU" in plan.skipped
    assert plan.latency is None


@pytest.mark.programs
def test_without_keras_agreement_is_with_its_stored_predictions(report: Report, onnx: CaseResult) -> None:
    assert onnx.accuracy and onnx.accuracy.agreement
    assert onnx.accuracy.agreement.value == 1.0
    assert onnx.accuracy.max_difference == pytest.approx(0, abs=1e-5)
    assert report.baseline == ""


@pytest.mark.programs
def test_the_title_is_the_datasets(report: Report) -> None:
    assert report.title == "Temper on tiny images"


@pytest.mark.programs
def test_the_duration_of_the_conversion_is_reported(onnx: CaseResult, folder: Path) -> None:
    provenance = Artifact.at(folder / "model.fp32.onnx").card.provenance
    assert provenance
    assert onnx.costs.build_seconds == (provenance.build_seconds or None)


@pytest.mark.programs
def test_statistics_come_from_the_samples_in_the_report(onnx: CaseResult) -> None:
    assert onnx.latency
    samples = np.concatenate([np.array(block) for block in onnx.latency.blocks_ms])
    assert len(onnx.latency.blocks_ms) >= 10
    assert onnx.latency.p50_ms.value == pytest.approx(np.percentile(samples, 50), abs=1e-3)
    assert onnx.latency.p99_ms.value == pytest.approx(np.percentile(samples, 99), abs=1e-3)
    for each in onnx.throughput:
        images, seconds = zip(*each.blocks, strict=True)
        assert each.images_per_second.value == pytest.approx(sum(images) / sum(seconds))


@pytest.mark.programs
def test_the_control_is_measured_beside_the_cases(report: Report) -> None:
    assert report.control
    assert report.control.case == "model.fp32.onnx"
    assert report.control.ratio.low <= report.control.ratio.value <= report.control.ratio.high


@pytest.mark.programs
def test_the_terminal_shows_the_table_the_verdicts_and_the_files(
    process: subprocess.CompletedProcess[str], report: Report, folder: Path
) -> None:
    headings = next(line for line in process.stdout.splitlines() if line.startswith("artifact"))
    for heading in ("top-1 %", "p50 ms", "p99 ms", "images/s, batch 1", "images/s, batch 8", "MB", "cold start s"):
        assert heading in headings
    for case in report.cases:
        assert case.verdict in process.stdout
    assert process.stdout.endswith(f"\nreport: {folder / 'report' / 'report.html'}\n")
    for suffix in ("html", "md", "png", "svg", "json"):
        assert (folder / "report" / f"report.{suffix}").stat().st_size > 500
    assert not list((folder / "report").glob(".*"))
    assert "latency rounds" in process.stderr


@pytest.mark.programs
def test_a_skipped_case_and_the_control_are_logged_when_they_happen(
    process: subprocess.CompletedProcess[str], folder: Path
) -> None:
    lines = process.stderr.splitlines()
    (skipped,) = (i for i, line in enumerate(lines) if line.startswith("warning: model.fp32.plan is skipped: "))
    assert skipped < next(i for i, line in enumerate(lines) if line.startswith("latency rounds"))
    assert any("opening the A/A control, a second process of model.fp32.onnx" in line for line in lines)
    assert any("model.fp32.onnx against itself is" in line for line in lines)
    assert str(folder) not in lines[skipped]


def test_a_folder_without_artifacts_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError) as caught:
        bench(tmp_path)
    assert "\n" not in str(caught.value)
    assert "contains no artifact with a card. Build some with `make train` and `make convert`." in str(caught.value)


@pytest.mark.programs
def test_compare_exits_with_1_only_beyond_the_limit(
    report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace = msgspec.structs.replace
    assert report.control
    # The machine that runs the tests may be busy.
    quiet = replace(report, control=replace(report.control, ratio=replace(report.control.ratio, value=1.0)))
    case = report.cases[0]
    assert case.latency
    slow = replace(case, latency=replace(case.latency, p50_ms=case.latency.p50_ms.scaled(3)))
    before = write(tmp_path / "before.json", quiet)
    after = write(tmp_path / "slower.json", replace(quiet, cases=(slow,)))
    assert bench("compare", before, before, "--fail-if", "p50>500%") == 0
    capsys.readouterr()
    assert bench("compare", before, after, "--fail-if", "p50>50%") == 1
    assert capsys.readouterr().out.splitlines()[1].split()[0] == "FAILED"


def test_reports_that_cannot_be_compared_and_noisy_ones_have_codes_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(UserError) as missing:
        bench("-q", "compare", tmp_path / "a.json", tmp_path / "b.json")
    assert (missing.value.exit_code, "\n" in str(missing.value)) == (ExitCode.DATA, False)
    noisy = write(tmp_path / "noisy.json", sample_report(case_result("model.onnx", 20), control=1.2))
    with pytest.raises(UserError) as busy:
        bench("compare", noisy, noisy)
    assert busy.value.exit_code == ExitCode.QUALITY


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--seconds", "-1", "expected a number of at least 0, got '-1'"),
        ("--seconds", "nan", "expected a number of at least 0, got 'nan'"),
        ("--batch-sizes", "1,0", "expected a whole number of at least 1, got '0'"),
        ("--max-images", "none", "expected a whole number of at least 1, got 'none'"),
    ],
)
def test_a_value_out_of_range_is_a_usage_error(
    option: str, value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as error:
        parse([f"{option}={value}"])
    assert error.value.code == ExitCode.USAGE
    assert capsys.readouterr().err.startswith(f"error: argument {option}: {message}. See `")


def test_run_is_assumed_without_a_command() -> None:
    assert parse([]).paths == [Path("artifacts")]
    for arguments in (
        ["artifacts/demo", "--quick"],
        ["--quick", "artifacts/demo"],
        ["run", "artifacts/demo", "--quick"],
    ):
        options = parse(arguments)
        assert (options.command, options.paths, options.quick) == ("run", [Path("artifacts/demo")], True)
    assert parse(["--batch-sizes", "8,1,8"]).batch_sizes == (1, 8)


def test_a_folder_named_compare_can_be_measured() -> None:
    for arguments in (["run", "compare"], ["./compare"]):
        assert (parse(arguments).command, parse(arguments).paths) == ("run", [Path("compare")])
    compared = parse(["compare", "a.json", "b.json", "--fail-if", "p50>5%", "--fail-if", "top1>1points"])
    assert (compared.before, compared.after) == (Path("a.json"), Path("b.json"))
    assert compared.fail_if == ["p50>5%", "top1>1points"]


def test_verbosity_may_precede_the_command() -> None:
    for arguments in (["-q", "compare", "a", "b"], ["compare", "-q", "a", "b"]):
        options = parse(arguments)
        assert (options.command, options.before, options.quiet) == ("compare", Path("a"), True)
    options = parse(["-v", "artifacts/demo"])
    assert (options.command, options.paths, options.verbose) == ("run", [Path("artifacts/demo")], True)
    assert parse(["--out", "compare", "run"]).out == Path("compare")


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("compare", "--help")])
def test_help_names_the_commands_and_their_options(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(list(arguments))
    assert ended.value.code == 0
    expected = {"--help": "compare", "run": "--scenario-seconds", "compare": "--fail-if"}[arguments[0]]
    assert expected in capsys.readouterr().out
