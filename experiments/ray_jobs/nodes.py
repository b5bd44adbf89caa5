"""Run a job on a Ray cluster of two nodes, each in a network namespace of its own, and kill one of them.

    sudo .venv/bin/python experiments/ray_jobs/nodes.py

Needs root and the command `ip`, for the namespaces. The nodes share this machine's files, as nodes of a cluster share a
network file system. They accept only who has their token.
"""

import argparse
import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import descendants, make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.progress import ProgressDisplay
from temper.cli.tables import Table
from temper.errors import ResourceError

if TYPE_CHECKING:
    from experiments.ray_jobs.jobs import Job

NAMESPACES = ("temper-a", "temper-b")
ADDRESSES = ("10.213.77.1", "10.213.77.2")
PORT, CPUS, STORE_BYTES = 6385, 3, 2**28
# A short path: Ray puts sockets below it, whose paths may have 107 bytes (unix(7)).
FILES = Path("/tmp/temper-nodes")
DAMAGED_EVERY = 100


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "ray-nodes.md")
    text = "images of the job (default: %(default)s)"
    parser.add_argument("--images", type=int, default=20_000, metavar="N", help=text)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Kill a node, check, and write the table."""
    from experiments.ray_jobs.jobs import check, make_job

    if os.geteuid() or not shutil.which("ip"):
        raise ResourceError("network namespaces need root and the command `ip`", fix="Run it with sudo.")
    with tempfile.TemporaryDirectory() as folder, ProgressDisplay() as progress:
        job = make_job(Path(folder), options.images, options.images // DAMAGED_EVERY)
        progress("two nodes", 0, 0)
        stages, text = run_on_two_nodes(job, Path(folder))
        result = check(job)
    write_report(
        options.out,
        "A job on two Ray nodes of which one is killed",
        f"{job.n_images:,} images of 20 x 24 pixels, {job.n_damaged} of them damaged, a tiny network; two nodes in two "
        "network namespaces of one machine, joined by a virtual cable, with a token. "
        "`kill -9` of all processes of the second node, while the job runs; the command is not started again. "
        f"`sudo .venv/bin/python experiments/ray_jobs/nodes.py --images {options.images}` repeats it.",
        Table(headings=("moment", "seconds after the start", "rows on the disk"), rows=stages),
        f"At the end: {result.rows:,} rows; images without a row: {result.missing}; rows twice: {result.twice}; wrong "
        f"labels or errors: {result.wrong}; damaged images marked: {result.damaged_marked} of {job.n_damaged}; files "
        f"left over: {result.leftovers}. Last line of the command: `{text}`",
        packages=("ray", "pyarrow", "onnxruntime"),
    )
    return 0 if result.is_right else 1


def run_on_two_nodes(job: "Job", folder: Path) -> tuple[list[tuple[str, str, str]], str]:
    """Run the job, and kill the second node when a tenth of the rows is written; returns moments and the last line."""
    from experiments.ray_jobs.jobs import finish, kill, started, wait_until

    token = folder / "token"
    token.write_text(secrets.token_hex(32), encoding="utf-8")
    own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token), "RAY_USAGE_STATS_ENABLED": "0"}
    options = {"env": {**os.environ, **own}}
    first = [f"--node-ip-address={ADDRESSES[0]}", "--head", f"--port={PORT}", "--include-dashboard=false"]
    second = [f"--node-ip-address={ADDRESSES[1]}", f"--address={ADDRESSES[0]}:{PORT}"]
    with contextlib.ExitStack() as stack:
        stack.enter_context(_namespaces())
        stack.callback(shutil.rmtree, FILES, ignore_errors=True)
        for name, more in zip(NAMESPACES, (first, second), strict=True):
            node = stack.enter_context(started(_start(name, more), **options))
            wait_until(lambda: bool(descendants(node.pid, "ray::RuntimeEnvAgent")), node)  # noqa: B023
        start, moments = time.monotonic(), list[tuple[str, str, str]]()

        def record(what: str) -> None:
            moments.append((what, f"{time.monotonic() - start:.1f}", f"{job.rows():,}"))

        driver = stack.enter_context(started(_inside(NAMESPACES[0], job.command(f"{ADDRESSES[0]}:{PORT}")), **options))
        wait_until(lambda: job.rows() > job.n_images // 10, driver)
        record("before the kill")
        for pid in descendants(node.pid):
            kill(pid)
        record("the second node is killed")
        _, text = finish(driver)
        record("the command has ended")
    return moments, text.strip().splitlines()[-1].replace(str(job.out), "out")


@contextlib.contextmanager
def _namespaces() -> Iterator[None]:
    """Two network namespaces that are joined by a cable."""
    _remove_namespaces()
    try:
        for name in NAMESPACES:
            _ip("netns", "add", name)
        _ip("link", "add", "cable-a", "netns", NAMESPACES[0], "type", "veth", "peer", "cable-b", "netns", NAMESPACES[1])
        for name, cable, address in zip(NAMESPACES, ("cable-a", "cable-b"), ADDRESSES, strict=True):
            _ip("-n", name, "address", "add", f"{address}/24", "dev", cable)
            for device in ("lo", cable):
                _ip("-n", name, "link", "set", device, "up")
            # Ray finds its own address by a route to the internet.
            _ip("-n", name, "route", "add", "default", "dev", cable)
        yield
    finally:
        _remove_namespaces()


def _remove_namespaces() -> None:
    for name in NAMESPACES:
        if Path("/run/netns", name).exists():
            _ip("netns", "delete", name)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise ResourceError(f"`ip {' '.join(words)}` failed: {done.stderr.strip()}")


def _start(namespace: str, options: list[str]) -> list[str]:
    ray = str(Path(sys.executable).with_name("ray"))
    fixed = [f"--num-cpus={CPUS}", f"--object-store-memory={STORE_BYTES}", "--disable-usage-stats", "--block"]
    files = [f"--temp-dir={FILES}"] if "--head" in options else []
    return _inside(namespace, [ray, "start", *options, *fixed, *files])


def _inside(namespace: str, command: list[str]) -> list[str]:
    return ["ip", "netns", "exec", namespace, *command]


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
