"""Send a server what no client should send, and count status 500, crashes, and the memory that is left behind.

python experiments/serving/hostile.py artifacts/model.int8.onnx
"""

import argparse
import io
import random
import socket
import sys
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.serving.clients import Target, fixed_count
from experiments.serving.hostile_requests import Hostile, kinds
from experiments.serving.running import PACKAGES, RunningServer, known_predictions, running_server
from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PARALLEL = 24
RESPONSE_SECONDS = 45.0
SETTLE_SECONDS = 3.0
ORDINARY = 200
NOTHING = "closed"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "serve-hostile.md")
    parser.add_argument("artifact", type=Path, help="the artifact to serve")
    parser.add_argument("--requests", type=int, default=300, metavar="N", help="hostile ones (default: %(default)s)")
    text = "size of the largest bodies (default: %(default)s)"
    parser.add_argument("--body-mib", type=int, default=200, metavar="MIB", help=text)
    return parser.parse_args(arguments)


@dataclass(frozen=True, kw_only=True)
class Damage:
    """What hostile requests did to a server.

    counts: statuses by kind of request. before, after: resident memory in MiB. crashes: processes that ended.
    predicted, wrong: of ORDINARY requests afterwards.
    """

    counts: dict[str, Counter[str]]
    before: float
    after: float
    crashes: int
    predicted: int
    wrong: int

    @property
    def statuses(self) -> Counter[str]:
        """How many requests of all kinds got each status."""
        return sum(self.counts.values(), Counter[str]())


def run(options: argparse.Namespace) -> int:
    """Send them, and write the table."""
    damage = measure(options.artifact, options.requests, options.body_mib)
    rows = [(name, str(sum(each.values())), describe(each)) for name, each in damage.counts.items()]
    statuses = damage.statuses
    write_report(
        options.out,
        f"{statuses.total()} hostile requests to a server of {options.artifact.name}",
        f"Status 500: {statuses['500']}; 503, which asks to try again: {statuses['503']}. "
        f"Processes that ended: {damage.crashes}. Resident memory of the server: {damage.before:.0f} MiB "
        f"before, {damage.after:.0f} MiB after. Of {ORDINARY} ordinary requests afterwards, {damage.predicted} got a "
        f"prediction, {damage.wrong} a wrong one. `python experiments/serving/hostile.py {options.artifact.name}` "
        "repeats the measurement.",
        Table(headings=("requests", "sent", "status"), rows=rows, right=frozenset({1})),
        packages=PACKAGES,
    )
    return 0


def measure(artifact: Path, requests: int, body_mib: int, seed: int = 0) -> Damage:
    """Start a server, send it about so many hostile requests, and then ordinary ones."""
    from temper.system.child_process import run_in_child

    images, known = run_in_child(known_predictions, artifact)
    with running_server(artifact) as server:
        target = Target(address=server.address, name=server.name, images=images, known=known[None])
        run_in_child(fixed_count, target, 16, ORDINARY)
        classify_one(server, images[0])
        before, children = server.resident_mib(), server.children()
        counts = attack(server, kinds(server.name, images.shape[1], body_mib), requests, seed)
        time.sleep(SETTLE_SECONDS)
        after = server.resident_mib()
        crashes = len(set(children) - set(server.children()))
        outcome = run_in_child(fixed_count, target, 16, ORDINARY)
    return Damage(
        counts=counts, before=before, after=after, crashes=crashes, predicted=outcome.answered, wrong=outcome.wrong
    )


def attack(server: RunningServer, hostile: list[Hostile], requests: int, seed: int = 0) -> dict[str, Counter[str]]:
    """Send about so many requests, several at once; the statuses by kind."""
    generator = random.Random(seed)
    weights = sum(each.weight for each in hostile)
    jobs = [each for each in hostile for _ in range(max(1, round(requests * each.weight / weights)))]
    generator.shuffle(jobs)
    counts: dict[str, Counter[str]] = {each.name: Counter() for each in hostile}
    with ThreadPoolExecutor(PARALLEL) as pool:
        seeds = [generator.random() for _ in jobs]
        statuses = pool.map(lambda job, seed: send(server, job, seed), jobs, seeds)
        for job, status in zip(jobs, statuses, strict=True):
            counts[job.name][status] += 1
    return counts


def send(server: RunningServer, hostile: Hostile, seed: float) -> str:
    """Send one request on a connection of its own; returns the status, or that the connection was closed without."""
    host, _, port = server.address.partition(":")
    with socket.create_connection((host, int(port)), timeout=RESPONSE_SECONDS) as connection:
        received = b""
        try:
            for piece in hostile.pieces(random.Random(seed)):
                connection.sendall(piece)
                if hostile.pause:
                    time.sleep(hostile.pause)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            # The server has refused it already; its response may still be there.
            pass
        try:
            while b"\r\n" not in received and (chunk := connection.recv(4096)):
                received += chunk
        except OSError:
            pass
    words = received.split(b"\r\n")[0].split()
    return words[1].decode(errors="replace") if len(words) > 1 else NOTHING


def classify_one(server: RunningServer, image: "NDArray[np.uint8]") -> None:
    """Send an image file: libraries that the first one loads are not left behind by the hostile ones."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    url = f"http://{server.address}/v2/models/{server.name}/classify"
    urllib.request.urlopen(url, content.getvalue(), timeout=RESPONSE_SECONDS).read()


def describe(counts: Counter[str]) -> str:
    """How often each status occurred, such as "12 × 400, 1 × 413"."""
    return ", ".join(f"{count} × {status}" for status, count in sorted(counts.items()))


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
