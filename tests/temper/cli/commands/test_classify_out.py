"""`--out`: a job whose results go to a file, as a user runs it."""

import csv
import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from PIL import Image

import temper
from infer import run
from temper.cli import main
from temper.errors import UsageError
from temper.exit_codes import ExitCode
from temper.infer.results import Result
from temper.infer.rows import row_of
from temper.infer.save import save_video
from tests.source import ROOT


def execute(*words: object) -> int:
    return main.run(run.parse([str(word) for word in words]))


@pytest.fixture
def engine(bundle: Path) -> Path:
    return bundle.with_name("model.fp32.onnx")


@pytest.fixture
def folder(bundle: Path) -> Path:
    """80 images, one of which is damaged."""
    images = bundle.parent / "images"
    next(images.rglob("blue003.png")).write_bytes(b"x")
    return images


def rows_of(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.read_text().splitlines()]


def kill_early(words: list[str], out: Path, moments: random.Random) -> bool:
    """Start a job, and kill it soon after its file has grown; False when it ended before."""
    job = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)
    before = out.stat().st_size if out.exists() else 0
    while job.poll() is None and not (out.exists() and out.stat().st_size > before):
        time.sleep(0.002)
    time.sleep(moments.uniform(0, 0.15))
    job.kill()
    return job.wait() < 0


def several_sources(folder: Path, target: Path) -> Path:
    """A list that names 600 links, a shard, a folder, a video and a file that does not exist."""
    links = target / "links"
    links.mkdir()
    images = sorted(folder.rglob("*.png"))
    for number in range(600):
        (links / f"{number:05}.png").symlink_to(images[number % len(images)])
    subprocess.run(["tar", "cf", target / "shard.tar", folder.name], cwd=folder.parent, check=True)
    frames = [Result(source="", image=Image.new("RGB", (64, 48), (50 * i, 0, 0))) for i in range(5)]
    assert len(list(save_video(frames, target / "video.mp4", fps=1, lines=1))) == 5
    sources = [links, target / "shard.tar", folder, target / "video.mp4", target / "missing.png"]
    (target / "names.txt").write_text("".join(f"{each}\n" for each in sources))
    return target / "names.txt"


def identities(out: Path) -> list[tuple[str, str, str, str]]:
    """File, SHA-256, label and error of each row, sorted."""
    if out.suffix == ".csv":
        with out.open(newline="") as stream:
            rows: list[Any] = list(csv.DictReader(stream))
    elif out.suffix == ".parquet":
        rows = pyarrow.parquet.read_table(out).to_pylist()
    else:
        rows = rows_of(out)
    return sorted((row["file"], row["sha256"], row["label"], row["error"]) for row in rows)


def test_the_command_and_python_give_the_same_rows_and_all_forms_are_equal(
    engine: Path, folder: Path, tmp_path: Path
) -> None:
    for suffix in ("jsonl", "csv", "parquet"):
        out = tmp_path / f"rows.{suffix}"
        assert execute("--engine", engine, folder, "--top-k", 2, "--out", out) == ExitCode.SOME_FAILED
    rows = rows_of(tmp_path / "rows.jsonl")
    with temper.load(engine) as classifier:
        assert rows == [row_of(each) for each in classifier(str(folder), top_k=2)]
    assert pyarrow.parquet.read_table(tmp_path / "rows.parquet").to_pylist() == rows
    with (tmp_path / "rows.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [(each["file"], each["sha256"], each["label"]) for each in table] == [
        (each["file"], each["sha256"], each["label"]) for each in rows
    ]


def test_a_changed_image_gets_a_second_row_and_the_others_none(engine: Path, folder: Path, tmp_path: Path) -> None:
    words = ("--engine", engine, folder, "--out", tmp_path / "rows.jsonl")
    execute(*words)
    before = rows_of(tmp_path / "rows.jsonl")
    changed, source = folder / "red" / "red000.png", folder / "blue" / "blue000.png"
    shutil.copy(source, changed)
    assert execute(*words) == ExitCode.SOME_FAILED
    *same, last = rows_of(tmp_path / "rows.jsonl")
    assert same == before
    assert last["file"] == str(changed) and last["label"] == "blue"


def test_a_missing_image_is_tried_again(engine: Path, folder: Path, tmp_path: Path) -> None:
    late, out = tmp_path / "late.png", tmp_path / "rows.jsonl"
    words = ("--engine", engine, late, folder / "red" / "red000.png", "--out", out)
    assert execute(*words) == ExitCode.SOME_FAILED
    assert [bool(row["error"]) for row in rows_of(out)] == [True, False]
    shutil.copy(folder / "red" / "red001.png", late)
    assert execute(*words) == ExitCode.OK
    assert [(row["file"], row["label"]) for row in rows_of(out)] == [
        (str(folder / "red" / "red000.png"), "red"), (str(late), "red"),
    ]  # fmt: skip


def test_the_summary_names_images_failures_and_the_time_of_each_stage(
    engine: Path, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    execute("--engine", engine, folder, "--out", tmp_path / "rows.jsonl")
    assert "rows.jsonl: 80 images in " in caplog.text and ", 1 could not be read" in caplog.text
    for stage in ("reading and decoding", "waiting for images", "network", "writing"):
        assert stage in caplog.text
    execute("--engine", engine, folder, "--out", tmp_path / "rows.jsonl")
    assert "rows.jsonl: 0 images in " in caplog.text and "80 images done before" in caplog.text


@pytest.mark.programs
def test_a_job_that_is_killed_again_and_again_loses_and_repeats_nothing(
    engine: Path, folder: Path, tmp_path: Path
) -> None:
    many, out, moments = tmp_path / "many", tmp_path / "rows.jsonl", random.Random(0)
    many.mkdir()
    images = sorted(folder.rglob("*.png"))
    for number in range(3000):
        (many / f"{number:05}.png").symlink_to(images[number % len(images)])
    words = [sys.executable, "infer/run.py", "--engine", str(engine), str(many), "--out", str(out)]
    assert sum(kill_early(words, out, moments) for _ in range(5)) >= 3
    assert subprocess.run(words, cwd=ROOT, stderr=subprocess.DEVNULL).returncode == ExitCode.SOME_FAILED
    rows = rows_of(out)
    assert set(Counter((row["file"], row["sha256"]) for row in rows).values()) == {1}
    assert {row["file"] for row in rows} == {str(path) for path in many.iterdir()}
    damaged = {row["file"] for row in rows if row["error"]}
    assert damaged == {str(path) for path in many.iterdir() if path.resolve().name == "blue003.png"}


@pytest.mark.slow
@pytest.mark.programs
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_a_killed_job_over_all_kinds_of_sources_has_the_rows_of_one_that_was_not_killed(
    suffix: str, engine: Path, folder: Path, tmp_path: Path
) -> None:
    names, moments = several_sources(folder, tmp_path), random.Random(suffix)
    words = [sys.executable, "infer/run.py", "--engine", str(engine), "--list", str(names), "--out"]
    out, undisturbed = tmp_path / f"rows.{suffix}", tmp_path / f"undisturbed.{suffix}"
    grows = tmp_path / "rows.parquet.job" / "rows.jsonl" if suffix == "parquet" else out
    assert sum(kill_early([*words, str(out)], grows, moments) for _ in range(8)) >= 3
    for path in (out, undisturbed):
        done = subprocess.run([*words, str(path)], cwd=ROOT, stderr=subprocess.DEVNULL)
        assert done.returncode == ExitCode.SOME_FAILED
    rows = identities(out)
    assert rows == identities(undisturbed)
    assert len(rows) == len(set(rows)) == 600 + 80 + 80 + 5 + 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["a.jpg"], "--ray needs --out"),
        (["a.jpg", "--out", "rows", "--save", "labeled"], "--ray takes no --save"),
        (["--list", "-", "--out", "rows", "--allow-private"], "--ray takes no --list, --allow-private"),
        (["a.jpg", "--out", "rows", "--json"], "--json and --csv print"),
    ],
)
def test_options_that_ray_has_no_use_for_are_refused_before_anything_is_loaded(
    options: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        execute("--engine", "missing.onnx", "--ray", "local", *options)
