import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

import temper
from temper.artifact import Artifact
from temper.card import BatchRange, Card
from temper.cluster.job import Summary, _cause, images_of_chunk, names_of, run_on_ray
from temper.cluster.output import open_output
from temper.errors import ArtifactError, DataError, UsageError
from temper.infer.job_settings import JobSettings
from temper.infer.parquet import schema
from temper.infer.rows import row_of
from tests.source import ROOT

CARD = Card(labels=("a", "b"), size=224)
# Images of the tiny classifier that a run had classified before it was killed.
N_DONE = 13


@pytest.mark.parametrize(
    ("images", "actors", "card", "expected"),
    [
        (1_000_000, 1, CARD, 222),
        (1_000_000, 1, CARD.changed(size=16), 256),
        (1_000_000, 1, CARD.changed(size=8000), 1),
        (100, 1, CARD, 13),
        (100, 4, CARD, 8),
        (100, 4, CARD.changed(batch=BatchRange(1, 64, 128)), 64),
        (1, 1, CARD, 8),
    ],
)
def test_chunks_are_small_enough_for_memory_and_for_every_actor(
    images: int, actors: int, card: Card, expected: int
) -> None:
    assert images_of_chunk(images, actors, card) == expected


def test_the_summary_counts_images_failures_nodes_and_actors() -> None:
    summary = Summary(failed=1)
    for actor in ("1", "2"):
        summary.add({"images": 10, "classified": 8, "failed": 1, "node": "n", "actor": actor})
    text = str(summary)
    assert text.startswith("16 images in ")
    assert text.endswith("4 images done before, 3 could not be read, 2 actors on 1 node")


def test_names_are_the_paths_and_addresses_that_were_given_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    b, address = str(tmp_path / "b.png"), "https://a/b.png"
    assert list(names_of(["./a.png", "*.png", b, address, address, "gone.png"])) == [
        "a.png", "b.png", b, address, "gone.png"
    ]  # fmt: skip


def test_what_only_this_process_could_read_is_refused(bundle: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    shard = tmp_path / "images.tar"
    subprocess.run(["tar", "cf", shard, "images"], cwd=bundle.parent, check=True)
    with pytest.raises(UsageError, match=r"images\.tar.* is not a file or an address: Ray reads no stdin, shards"):
        run_on_ray(
            artifact=Artifact.at(bundle.with_name("model.fp32.onnx")),
            sources=[str(shard)],
            out=tmp_path / "out",
            address="local",
            top_k=1,
        )
    assert not (tmp_path / "out").exists()


def test_a_source_that_cannot_be_read_is_reported_as_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.tar does not exist\. Check the path"):
        list(names_of([str(tmp_path / "gone.tar")]))


def test_the_error_of_a_task_is_reported_as_what_it_is() -> None:
    class TaskError(Exception):
        """As Ray wraps what a task raises."""

        def __init__(self, cause: Exception) -> None:
            self.cause = cause

    missing, full = ArtifactError("it is missing"), OSError(errno.ENOSPC, "advice of Ray")
    bug, interruption = TaskError(ValueError("a bug")), KeyboardInterrupt()
    assert _cause(TaskError(missing)) is missing
    assert str(_cause(TaskError(full))) == "[Errno 28] No space left on device"
    assert _cause(bug) is bug and _cause(interruption) is interruption


def leave_as_a_kill_would(artifact: Artifact, out: Path, rows: list[dict[str, object]]) -> None:
    """A part of a job's rows that is complete, and another one that was being written."""
    import pyarrow

    card = artifact.card
    settings = JobSettings(artifact=artifact.name, sha256=card.sha256, top_k=1, threshold=card.confidence_threshold)
    with open_output(out, settings) as (run, _):
        for number, part in enumerate((rows[:N_DONE], rows[N_DONE:20])):
            run.write_part(number, pyarrow.Table.from_pylist(part, schema=schema()))
    torn = out / "_writing-1"
    torn.mkdir()
    (second,) = out.glob("part-*-000001.parquet")
    second.rename(torn / second.name)


@pytest.mark.programs
def test_a_job_on_ray_goes_on_after_an_interruption_and_has_the_rows_of_one_process(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    import pyarrow.parquet

    folder, out, engine = bundle.parent / "images", bundle.parent / "out", bundle.with_name("model.fp32.onnx")
    (folder / "damaged.png").write_bytes(b"no image")
    words = [
        ROOT / "infer" / "run.py",
        "--ray",
        "local",
        "--engine",
        engine,
        "--out",
        out,
        folder.name,
        f"{folder.name}/red",
    ]
    monkeypatch.chdir(bundle.parent)
    with temper.load(engine) as classifier:
        expected = [row_of(each) for each in classifier(folder.name)]
    leave_as_a_kill_would(Artifact.at(engine), out, expected)
    # In another folder than the project: nodes get the code from the command.
    done = subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, timeout=300,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    last = done.stderr.splitlines()[-1]
    assert f"{81 - N_DONE} images in " in last and f"{N_DONE} images done before" in last
    assert "1 could not be read, 1 actor on 1 node" in last
    rows = sorted(pyarrow.parquet.read_table(out).to_pylist(), key=lambda row: str(row["file"]))
    expected.sort(key=lambda row: str(row["file"]))
    assert [row.pop("probability") for row in rows] == pytest.approx([row.pop("probability") for row in expected])
    for each in (*rows, *expected):
        each["predictions"] = [prediction["label"] for prediction in each["predictions"]]
    assert rows == expected
    assert sorted({each.name[:5] for each in out.iterdir()}) == ["_job.", "part-"]
