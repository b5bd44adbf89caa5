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
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.serving.clients import Target, fixed_count
from experiments.serving.hostile_requests import Hostile, kinds
from experiments.serving.running import RunningServer, known_predictions, running_server
from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PARALLEL = 24
RESPONSE_SECONDS = 45.0
SETTLE_SECONDS = 3.0
NOTHING = "closed"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "serve-hostile.md")
    parser.prog = "python experiments/serving/hostile.py"
    parser.add_argument("artifact", type=Path, help="the artifact to serve")
    parser.add_argument("--requests", type=int, default=300, metavar="N", help="hostile ones (default: %(default)s)")
    text = "size of the largest bodies (default: %(default)s)"
    parser.add_argument("--body-mib", type=int, default=200, metavar="MIB", help=text)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Send them, and write the table."""
    from temper.system.child_process import run_in_child

    images, known = run_in_child(known_predictions, options.artifact)
    with running_server(options.artifact) as server:
        target = Target(address=server.address, name=server.name, images=images, known=known[None])
        run_in_child(fixed_count, target, 16, 200)
        classify_one(server, images[0])
        before, children = server.resident_mib(), server.children()
        counts = attack(server, kinds(server.name, images.shape[1], options.body_mib), options.requests)
        time.sleep(SETTLE_SECONDS)
        after = server.resident_mib()
        crashes = len(set(children) - set(server.children()))
        outcome = run_in_child(fixed_count, target, 16, 200)
    rows = [(name, str(sum(each.values())), describe(each)) for name, each in counts.items()]
    total_of = Counter[str]()
    for each in counts.values():
        total_of.update(each)
    write_report(
        options.out,
        f"{total_of.total()} hostile requests to a server of {options.artifact.name}",
        f"Status 500: {total_of['500']}; 503, which asks to try again: {total_of['503']}. "
        f"Processes that ended: {crashes}. Resident memory of the server: {before:.0f} MiB "
        f"before, {after:.0f} MiB after. Of 200 ordinary requests afterwards, {outcome.answered} got a prediction, "
        f"{outcome.wrong} a wrong one. `python experiments/serving/hostile.py {options.artifact.name}` repeats the "
        "measurement.",
        Table(headings=("requests", "sent", "status"), rows=rows, right=frozenset({1})),
    )
    return 0


def attack(server: RunningServer, hostile: list[Hostile], requests: int) -> dict[str, Counter[str]]:
    """Send about so many requests, several at once; the statuses by kind."""
    generator = random.Random(0)
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
    """ "12 × 400, 1 × 413"."""
    return ", ".join(f"{count} × {status}" for status, count in sorted(counts.items()))


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
