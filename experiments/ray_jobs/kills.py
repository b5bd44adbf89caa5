"""Kill the driver of a job on Ray, then its workers, at random moments, and check every row at the end.

    python experiments/ray_jobs/kills.py --kills 5

The same command is started again after each kill of the driver. Workers, actors and tasks in turn, are killed in one
run that is not started again. Damaged files are planted among the images.
"""

import argparse
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import descendants, make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.progress import ProgressDisplay
from temper.cli.tables import Table

if TYPE_CHECKING:
    from experiments.ray_jobs.jobs import Job

# Titles that Ray gives its processes.
WORKERS = ("ray::MapWorker(MapBatches(ClassifyChunks))", "ray::MapBatches(")
MAX_DELAY_SECONDS = 0.5
DAMAGED_EVERY = 100


@dataclass(frozen=True, kw_only=True)
class Kill:
    """What was killed, how many seconds after the start, and the rows on the disk before and after."""

    what: str
    seconds: float
    before: int
    after: int


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "ray-kills.md")
    add = parser.add_argument
    add("--images", type=int, default=20_000, metavar="N", help="images of the job (default: %(default)s)")
    add("--kills", type=int, default=5, metavar="N", help="of the driver, and of workers (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="of the moments of the kills (default: %(default)s)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Kill, check, and write the table."""
    from experiments.ray_jobs.jobs import check, make_job

    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder, ProgressDisplay() as progress:
        job = make_job(Path(folder), options.images, options.images // DAMAGED_EVERY)
        kills = []
        for number in range(options.kills):
            progress("killing the driver", number, options.kills)
            kills.append(kill_driver(job, moments.uniform(0, MAX_DELAY_SECONDS)))
        progress("killing workers", 0, 0)
        killed, text = kill_workers(job, options.kills, moments)
        result = check(job)
    rows = [
        (str(number), kill.what, f"{kill.seconds:.1f}", f"{kill.before:,}", f"{kill.after:,}")
        for number, kill in enumerate([*kills, *killed], 1)
    ]
    write_report(
        options.out,
        "A job on Ray whose driver and workers are killed",
        f"{job.n_images:,} images of 20 x 24 pixels, {job.n_damaged} of them damaged, a tiny network, one local node. "
        "`kill -9` of the driver, and the same command again; then `kill -9` of the "
        "process that holds the network, and of one that decodes or writes, in turn, in one run that goes on. A driver "
        "is killed at most half a second after a part file is written. "
        f"`python experiments/ray_jobs/kills.py --images {options.images} --kills {options.kills}` repeats it.",
        Table(headings=("kill", "what", "seconds after the start", "rows before", "rows after"), rows=rows),
        f"At the end: {result.rows:,} rows; images without a row: {result.missing}; rows twice: {result.twice}; wrong "
        f"labels or errors: {result.wrong}; damaged images marked: {result.damaged_marked} of {job.n_damaged}; files "
        f"left over: {result.leftovers}. Last line of the command: `{text}`",
        packages=("ray", "pyarrow", "onnxruntime"),
    )
    return 0 if result.is_right else 1


def kill_driver(job: "Job", delay: float) -> Kill:
    """Start the job, and kill its driver `delay` seconds after the first new part is there."""
    from experiments.ray_jobs.jobs import kill, started, wait_until

    before, start = job.rows(), time.monotonic()
    with started(job.command("local")) as driver:
        wait_until(lambda: job.rows() > before, driver)
        time.sleep(delay)
        kill(driver.pid)
        driver.wait()
        return Kill(what="driver", seconds=time.monotonic() - start, before=before, after=job.rows())


def kill_workers(job: "Job", n: int, moments: random.Random) -> tuple[list[Kill], str]:
    """Start the job, kill a worker n times, and wait for its end; returns the kills and its last line."""
    from experiments.ray_jobs.jobs import finish, kill, started, wait_until

    start, kills = time.monotonic(), list[Kill]()
    with started(job.command("local")) as driver:
        while len(kills) < n:
            what, before = WORKERS[len(kills) % len(WORKERS)], job.rows()
            is_running = wait_until(lambda: bool(descendants(driver.pid, what)), driver)  # noqa: B023
            workers = descendants(driver.pid, what)
            if not is_running or not workers:
                if driver.poll() is not None:
                    break
                continue
            kill(moments.choice(workers))
            name = "actor" if "MapWorker" in what else "task"
            kills.append(Kill(what=name, seconds=time.monotonic() - start, before=before, after=job.rows()))
            wait_until(lambda: job.rows() > before, driver)  # noqa: B023
        _, text = finish(driver)
    return kills, text.strip().splitlines()[-1].replace(str(job.out), "out")


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
