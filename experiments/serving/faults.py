"""Kill the process that predicts, publish new artifacts, and stop the server, all under load; count what is lost.

python experiments/serving/faults.py artifacts/model.int8.onnx artifacts/model.fp32.onnx

The two artifacts have one format; each is published in place of the other.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.serving.clients import TOLERANCE, Outcome, Target, fixed_count, until
from experiments.serving.load import statuses
from experiments.serving.running import PACKAGES, RunningServer, known_predictions, running_server
from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table
from temper.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from temper.artifact import Artifact

SWAP_SECONDS = 60.0
SETTLE_SECONDS = 0.3


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "serve-faults.md")
    add = parser.add_argument
    add("artifact", type=Path, help="the artifact to serve")
    add("second", type=Path, help="another artifact of the same model, in the same format")
    add("--clients", type=int, default=64, metavar="N", help="clients (default: %(default)s)")
    add("--requests", type=int, default=30_000, metavar="N", help="while processes are killed (default: %(default)s)")
    add("--kill-every", type=float, default=5.0, metavar="SECONDS", help="time between kills (default: %(default)g)")
    add("--kill-seconds", type=float, default=60.0, metavar="SECONDS", help="for how long (default: %(default)g)")
    add("--swaps", type=int, default=20, metavar="N", help="artifacts that are published (default: %(default)s)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Do all three, and write the table."""
    from temper.artifact import Artifact
    from temper.system.child_process import run_in_child

    artifacts = [Artifact.at(options.artifact), Artifact.at(options.second)]
    if artifacts[0].format != artifacts[1].format:
        raise UsageError("the two artifacts have different formats", fix="Name two of one format.")
    images, first = run_in_child(known_predictions, options.artifact)
    second = run_in_child(predictions_of, options.second, images)
    with tempfile.TemporaryDirectory() as name:
        served = Path(name) / f"model{artifacts[0].format.suffix}"
        publish_as(artifacts[0], served)
        with running_server(served) as server:
            target = Target(address=server.address, name=server.name, images=images, known=first[None])
            rows = [kills(server, target, options)]
            target.known = stacked(first, second)
            rows.append(swaps(server, target, options, served, artifacts))
            rows.append(stop(server, target, options))
    write_report(
        options.out,
        f"Faults of a server of {options.artifact.name}",
        f"{options.clients} clients of `tritonclient.http` send single images whose predictions are known. While "
        "processes are killed, a client repeats a request once, a second after the response 503. After each swap the "
        "new artifact's predictions are expected. `python experiments/serving/faults.py "
        f"{options.artifact.name} {options.second.name}` repeats the measurement.",
        Table(
            headings=("", "faults", "responses", "predictions", "wrong", "lost", "seconds"),
            rows=rows,
            right=frozenset(range(1, 7)),
        ),
        packages=PACKAGES,
    )
    return 0


def kills(server: RunningServer, target: Target, options: argparse.Namespace) -> tuple[str, ...]:
    """Kill the child again and again while requests are sent."""
    killed = 0
    done = threading.Event()

    def kill() -> None:
        nonlocal killed
        end = time.monotonic() + options.kill_seconds
        while not done.wait(options.kill_every) and time.monotonic() < end:
            for pid in server.children():
                os.kill(pid, signal.SIGKILL)
                killed += 1

    thread = threading.Thread(target=kill)
    thread.start()
    outcome = in_child(lambda: None, fixed_count, target, options.clients, options.requests, 1, options.kill_seconds)
    done.set()
    thread.join()
    server.wait_until_ready()
    return row("the process is killed", f"{killed} kills", outcome)


def swaps(
    server: RunningServer, target: Target, options: argparse.Namespace, served: Path, artifacts: "list[Artifact]"
) -> tuple[str, ...]:
    """Publish the artifacts in turn while requests are sent; a stale prediction after a swap counts as wrong."""
    stale = 0
    flag = served.with_name("finished")

    def publish() -> None:
        nonlocal stale
        try:
            for number in range(1, options.swaps + 1):
                publish_as(artifacts[number % 2], served)
                wait_for(lambda number=number: swapped(server) >= number)  # type: ignore[misc]
                stale += run_stale(target, number % 2)
        finally:
            flag.touch()

    outcome = in_child(publish, until, target, options.clients, flag)
    outcome.wrong += stale
    return row("an artifact is published", f"{swapped(server):.0f} swaps", outcome)


def stop(server: RunningServer, target: Target, options: argparse.Namespace) -> tuple[str, ...]:
    """Send SIGTERM while every client has a request that is not answered yet, if the model takes long enough."""
    seconds = 0.0

    def terminate() -> None:
        nonlocal seconds
        wait_for(lambda: total(server, "temper_batch_images_count") > before)
        seconds = server.stop()

    before = total(server, "temper_batch_images_count")
    outcome = in_child(terminate, fixed_count, target, options.clients, options.clients)
    return (*row("SIGTERM", "1", outcome)[:-1], f"{seconds:.1f}")


def in_child(beside: Callable[[], None], function: Callable[..., Outcome], *arguments: object) -> Outcome:
    """The outcome of requests from another process; `beside` is called in a thread meanwhile."""
    from temper.system.child_process import run_in_child

    errors: list[BaseException] = []

    def guarded() -> None:
        time.sleep(SETTLE_SECONDS)
        try:
            beside()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    outcome = run_in_child(function, *arguments)
    thread.join()
    if errors:
        raise errors[0]
    return outcome


def row(name: str, faults: str, outcome: Outcome) -> tuple[str, ...]:
    """A row of the table."""
    return (name, faults, statuses(outcome), f"{outcome.answered:,}", str(outcome.wrong), str(outcome.lost),
            f"{outcome.elapsed:.1f}")  # fmt: skip


def publish_as(artifact: "Artifact", target: Path) -> None:
    """Publish a copy of an artifact under another name, as a conversion does."""
    from temper.card.files import card_path
    from temper.storage.publish import publish

    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        scratch = Path(name) / "scratch"
        scratch.mkdir()
        golden = artifact.card.golden
        stem = artifact.name.removesuffix(artifact.format.suffix)
        for file in artifact.files:
            renamed = target.name.removesuffix(artifact.format.suffix) + file.name.removeprefix(stem)
            shutil.copy(file, scratch / renamed)
        shutil.copy(artifact.card_path, scratch / card_path(target).name)
        if golden:
            shutil.copy(artifact.path.with_name(golden.file), scratch / golden.file)
        publish(scratch, target)


def predictions_of(path: Path, images: "NDArray[np.uint8]") -> "NDArray[np.float32]":
    """Probabilities [n, classes] of images, each one alone."""
    import numpy as np

    from temper.artifact import Artifact
    from temper.runners.load import open_runner

    with open_runner(Artifact.at(path)) as runner:
        return np.concatenate([runner.predict(images[i : i + 1]) for i in range(len(images))])


def stacked(first: "NDArray[np.float32]", second: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """The predictions of both artifacts. Raises UsageError when they do not differ: a swap would not be seen."""
    import numpy as np

    if np.abs(first - second).max() <= 2 * TOLERANCE:
        raise UsageError("the two artifacts predict the same", fix="Name two whose predictions differ by 0.02.")
    return np.stack([first, second])


def run_stale(target: Target, current: int) -> int:
    """How many images get another prediction than that of the current artifact; asked in a process of its own."""
    from temper.system.child_process import run_in_child

    one = Target(
        address=target.address, name=target.name, images=target.images, known=target.known[current : current + 1]
    )
    return run_in_child(fixed_count, one, 1, len(target.images)).wrong


def swapped(server: RunningServer) -> float:
    """How many artifacts were swapped in."""
    return total(server, "temper_swaps_total", result="swapped")


def total(server: RunningServer, name: str, **labels: str) -> float:
    """The sum of a metric over all its labels but these."""
    from prometheus_client.parser import text_string_to_metric_families

    families = text_string_to_metric_families(server.get("/metrics").decode())
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(each.value for each in samples if labels.items() <= each.labels.items())


def wait_for(condition: Callable[[], bool]) -> None:
    """Raises RuntimeError when a condition does not become true in time."""
    end = time.monotonic() + SWAP_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"the server did not reach the expected state in {SWAP_SECONDS:g} s")
        time.sleep(0.05)


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
