"""Work that is killed again and again, and goes on each time: jobs over a folder, and trainings."""

import argparse
import time
from pathlib import Path

from experiments.chaos.record import Record
from temper.cli.progress import no_progress

IMAGES_A_KILL = 50_000
MIN_KILLS = 2


def run_jobs(count: int, seed: int, scratch: Path) -> Record:
    """Kill a job over links to `count` tiny images, once for each IMAGES_A_KILL; every image is one try."""
    from experiments.folders import kills
    from tests import tiny

    started = time.monotonic()
    bundle = tiny.bundle(scratch / "bundle")
    photos = sorted((scratch / "bundle" / "images").rglob("*.png"))
    images, out = kills.plant(photos, scratch / "images", count), scratch / "rows.jsonl"
    artifact = bundle.with_name("model.fp32.onnx")
    options = argparse.Namespace(
        artifact=artifact, images=count, kills=max(MIN_KILLS, count // IMAGES_A_KILL), seed=seed
    )
    done = kills.kill_often(options, images, out, no_progress)
    check = kills.check_rows(artifact, images, out)
    return Record(
        tried=count,
        ok=check.unique - check.damaged_marked - check.wrong,
        refused=check.damaged_marked,
        lost=check.missing,
        wrong=check.wrong,
        silent=check.rows - check.unique,
        seconds=time.monotonic() - started,
        more={"killed": len(done), "twice": check.rows - check.unique},
    )


def run_trainings(count: int, seed: int, scratch: Path) -> Record:
    """Kill a training `count` times."""
    from experiments.killed_training import run_killed_training

    started = time.monotonic()
    report = run_killed_training(scratch, count, seed)
    record = Record(tried=len(report.kills), seconds=time.monotonic() - started)
    record.ok = sum(not lost for lost in report.lost_by_kill)
    record.lost = record.tried - record.ok + len(report.leftovers)
    record.silent = int(report.weight_difference > 0)
    record.more = {"steps lost": report.lost_steps, "largest difference of a weight": report.weight_difference}
    return record
