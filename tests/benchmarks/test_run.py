"""The real door on the tiny classifier, in processes of its own, without TensorFlow."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tiny

jsonschema = pytest.importorskip("jsonschema")
pytestmark = pytest.mark.programs
DOOR = Path(__file__).parents[2] / "benchmarks" / "run.py"
SCHEMA = DOOR.parent / "analysis" / "report.schema.json"
COMMITTED = sorted((DOOR.parent / "results").rglob("report.json"))


def bench(*words: object, limit_seconds: float = 100) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DOOR), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=limit_seconds, check=False)


@pytest.fixture(scope="module")
def folder(made_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny ONNX artifact, and a plan that no machine without a GPU can run."""
    home = tmp_path_factory.mktemp("artifacts")
    for name in ("model.fp32.onnx", "model.fp32.onnx.json", "model.split.csv", "model.answers.npz"):
        (home / name).write_bytes(made_bundle.with_name(name).read_bytes())
    plan = home / "model.fp32.plan"
    plan.write_bytes(b"no plan")
    card = json.loads((home / "model.fp32.onnx.json").read_text(encoding="utf-8"))
    tiny.carded(plan)
    own = json.loads((home / "model.fp32.plan.json").read_text(encoding="utf-8"))
    (home / "model.fp32.plan.json").write_text(json.dumps({**card, "sha256": own["sha256"]}), encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def ran(folder: Path) -> subprocess.CompletedProcess[str]:
    return bench(folder, "--seconds", 0.1, "--quick")


@pytest.fixture
def record(ran: subprocess.CompletedProcess[str], folder: Path) -> dict[str, Any]:
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads((folder / "report" / "report.json").read_text(encoding="utf-8"))
    return found


def test_the_record_follows_the_published_schema(record: dict[str, Any]) -> None:
    jsonschema.validate(record, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_a_row_without_its_runtime_is_skipped_with_the_reason_and_the_others_go_on(record: dict[str, Any]) -> None:
    onnx, plan = record["lines"]
    assert (onnx["name"], plan["name"]) == ("model.fp32.onnx", "model.fp32.plan")
    assert onnx["latency"]
    assert "GPU" in plan["skipped"]
    assert plan["latency"] is None


def test_without_keras_agreement_is_with_its_kept_answers(record: dict[str, Any]) -> None:
    accuracy = record["lines"][0]["accuracy"]
    assert (accuracy["agreement"]["value"], accuracy["max_difference"]) == (1.0, pytest.approx(0, abs=1e-5))
    assert record["reference"] == ""


def test_the_time_it_took_to_make_is_told(record: dict[str, Any]) -> None:
    assert 0 <= record["lines"][0]["costs"]["build_seconds"] < 60


def test_figures_come_from_the_samples_that_are_kept(record: dict[str, Any]) -> None:
    line = record["lines"][0]
    samples = np.concatenate(line["latency"]["turns_ms"])
    assert len(line["latency"]["turns_ms"]) >= 10
    assert line["latency"]["p50_ms"]["value"] == pytest.approx(np.percentile(samples, 50), abs=1e-3)
    assert line["latency"]["p99_ms"]["value"] == pytest.approx(np.percentile(samples, 99), abs=1e-3)
    for each in line["throughput"]:
        images, seconds = zip(*each["blocks"], strict=True)
        assert each["images_per_second"]["value"] == pytest.approx(sum(images) / sum(seconds))


def test_the_control_was_measured_beside_the_rows(record: dict[str, Any]) -> None:
    assert record["control"]["row"] == "model.fp32.onnx"
    assert 0.5 < record["control"]["ratio"]["value"] < 2


def test_the_stop_watch_costs_less_than_a_hundredth_of_a_call_of_20_ms(record: dict[str, Any]) -> None:
    assert record["overhead_microseconds"] < 200


def test_the_terminal_shows_the_table_the_verdicts_and_where_to_look(
    ran: subprocess.CompletedProcess[str], record: dict[str, Any], folder: Path
) -> None:
    head = next(line for line in ran.stdout.splitlines() if line.startswith("artifact"))
    for word in ("top-1 %", "p50 ms", "p99 ms", "images/s, batch 1", "images/s, batch 8", "MB", "cold start s"):
        assert word in head
    for line in record["lines"]:
        assert line["verdict"] in ran.stdout
    for suffix in ("html", "md", "png", "json"):
        assert (folder / "report" / f"report.{suffix}").stat().st_size > 500
    assert not list((folder / "report").glob(".*"))


def test_a_folder_without_artifacts_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    done = bench(tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "holds no artifact with a card. Make some with `make train` and `make convert`." in done.stderr


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.parent.name)
def test_every_committed_report_follows_the_published_schema(path: Path) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    record = json.loads(path.read_text(encoding="utf-8"))
    assert [f"{each.json_path} {each.validator}" for each in validator.iter_errors(record)] == []


def test_artifacts_of_different_models_are_not_compared(folder: Path, tmp_path: Path) -> None:
    for path in folder.glob("model.fp32.onnx*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / "model.fp32.onnx.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"blue"', '"green"'), encoding="utf-8")
    done = bench(folder / "model.fp32.onnx", tmp_path / "model.fp32.onnx")
    assert done.returncode == 1
    assert "come from different models" in done.stderr


def test_compare_exits_with_one_only_beyond_the_limit(record: dict[str, Any], tmp_path: Path) -> None:
    before, slower = tmp_path / "before.json", tmp_path / "slower.json"
    # The machine that tests run on may be as busy as it likes.
    record["control"]["ratio"]["value"] = 1.0
    before.write_text(json.dumps(record), encoding="utf-8")
    for line in record["lines"]:
        if line["latency"]:
            line["latency"]["turns_ms"] = [[3 * ms for ms in turn] for turn in line["latency"]["turns_ms"]]
    slower.write_text(json.dumps(record), encoding="utf-8")
    assert bench("compare", before, before, "--fail-if", "p50>500%").returncode == 0
    done = bench("compare", before, slower, "--fail-if", "p50>50%")
    assert (done.returncode, done.stdout.split()[0]) == (1, "FAILED")


@pytest.mark.parametrize("words", [("--seconds", "-1"), ("--batches", "1,0"), ("--pictures", "none")])
def test_a_flag_out_of_range_is_refused_by_the_parser(words: tuple[str, str]) -> None:
    assert bench(*words).returncode == 2


def test_help_answers_at_once() -> None:
    done = bench("--help", limit_seconds=10)
    assert done.returncode == 0
    assert "--scenario-seconds" in done.stdout
