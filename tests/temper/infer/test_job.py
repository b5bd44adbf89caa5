import errno
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from temper.errors import DataError, MissingRuntime, ResourceError, UsageError
from temper.infer import job as job_module
from temper.infer.flow import Flow, StageTimes
from temper.infer.job import Job, run_job
from temper.infer.job_settings import JobSettings
from temper.infer.results import Prediction, Result
from temper.storage.lock import lock_folder

SETTINGS = JobSettings(artifact="model.onnx", sha256="ab", top_k=1, threshold=None, fps=1.0)
GOOD = [Result(source=f"{i}.jpg", sha256=str(i), predictions=(Prediction("cat", 0.75),)) for i in range(5)]
BAD = Result(source="bad.jpg", sha256="ff", error="bad.jpg is damaged")
SUFFIXES = pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])


def execute(out: Path, results: list[Result], settings: JobSettings = SETTINGS) -> tuple[int, int]:
    """Rows of this run, and rows with an error."""
    with Job(out, settings) as job:
        left = (each for each in results if not job.is_done(each.source, each.sha256))
        run_job(job, left, 2, Flow(), lambda _: None)
        return job.classified, job.failed


@SUFFIXES
def test_the_same_job_goes_on_and_does_nothing_twice(suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"results.{suffix}"
    assert execute(out, GOOD[:3]) == (3, 0)
    assert out.exists()
    assert execute(out, [*GOOD, BAD]) == (3, 1)
    content = out.read_bytes()
    assert execute(out, [*GOOD, BAD]) == (0, 1)
    if suffix != "parquet":
        assert out.read_bytes() == content


@pytest.mark.parametrize("change", [{"sha256": "cd"}, {"top_k": 2}, {"threshold": 0.5}, {"fps": 2.0}])
def test_other_settings_are_refused_with_a_remedy(change: dict[str, object], tmp_path: Path) -> None:
    out = tmp_path / "results.jsonl"
    execute(out, GOOD)
    content, (name,) = out.read_bytes(), change
    other = JobSettings(**{**vars(SETTINGS), **change})
    with pytest.raises(UsageError, match=rf"other settings: {name} was .*name another path with --out"):
        execute(out, GOOD, other)
    assert out.read_bytes() == content


def test_the_same_artifact_may_have_another_name(tmp_path: Path) -> None:
    execute(tmp_path / "results.jsonl", GOOD)
    renamed = JobSettings(**{**vars(SETTINGS), "artifact": "copy.onnx"})
    assert execute(tmp_path / "results.jsonl", GOOD, renamed) == (0, 0)


@SUFFIXES
def test_a_file_that_no_job_has_written_is_refused_and_not_changed(suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"results.{suffix}"
    out.write_text("mine")
    with pytest.raises(UsageError, match="does not say how it was made"):
        execute(out, GOOD)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    assert out.read_text() == "mine"


@pytest.mark.parametrize("name", ["results", "results.txt", "results.json"])
def test_an_unknown_suffix_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Expected one of \.jsonl, \.csv, \.parquet"):
        execute(tmp_path / name, GOOD)


def test_parquet_without_pyarrow_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MissingRuntime("not installed")

    monkeypatch.setattr(job_module, "import_pyarrow", missing)
    with pytest.raises(MissingRuntime):
        execute(tmp_path / "results.parquet", GOOD)


def test_two_writers_at_once_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "results.jsonl"
    execute(out, GOOD[:1])
    with lock_folder(tmp_path / "results.jsonl.job"), pytest.raises(ResourceError, match="by another process"):
        execute(out, GOOD)
    assert execute(out, GOOD) == (4, 0)


def test_damaged_settings_are_an_error(tmp_path: Path) -> None:
    execute(tmp_path / "results.jsonl", GOOD)
    (tmp_path / "results.jsonl.job" / "settings.json").write_text("[")
    with pytest.raises(DataError, match=r"settings\.json is damaged"):
        execute(tmp_path / "results.jsonl", GOOD)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_an_interruption_leaves_the_rows_so_far_and_says_how_to_go_on(
    suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "temper")
    out = tmp_path / f"results.{suffix}"

    def stopped() -> Iterator[Result]:
        yield from GOOD[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Job(out, SETTINGS) as job:
        run_job(job, stopped(), 2, Flow(), lambda _: None)
    assert "has 3 more rows. The same command goes on from there" in caplog.text
    assert out.exists() == (suffix == "jsonl")
    assert execute(out, GOOD) == (2, 0)
    assert out.exists()


def test_rows_that_could_not_be_written_are_not_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "temper")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    out = tmp_path / "results.jsonl"
    with pytest.raises(OSError, match="No space left"), Job(out, SETTINGS) as job:
        monkeypatch.setattr(os, "fsync", full)
        run_job(job, iter(GOOD), 2, Flow(), lambda _: None)
    assert "has 0 more rows" in caplog.text


def test_progress_counts_what_was_done_before(tmp_path: Path) -> None:
    seen: list[int] = []
    with Job(tmp_path / "results.jsonl", SETTINGS) as job:
        run_job(job, iter(GOOD), 2, Flow(times=StageTimes(done_before=10)), seen.append)
        assert job.seconds > 0
    assert seen == [12, 14, 15]


def test_the_settings_are_stored_beside_the_rows(tmp_path: Path) -> None:
    execute(tmp_path / "results.jsonl", GOOD)
    assert json.loads((tmp_path / "results.jsonl.job" / "settings.json").read_text()) == vars(SETTINGS)
