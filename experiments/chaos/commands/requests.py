"""A server that is sent what no client should send; afterwards it must predict as before."""

import time
from pathlib import Path

from experiments.chaos.record import Record

# More than a body may have.
BODY_MIB = 70


def run(count: int, seed: int, scratch: Path) -> Record:
    """Send about `count` hostile requests, and then ordinary ones, which are tries too.

    ok: a prediction, or status 200. refused: a status that names the cause. silent: a connection that was closed
    without one. traceback: status 500. lost: an ordinary request without a prediction. crash: processes that ended.
    """
    from experiments.serving import hostile
    from tests import tiny

    started = time.monotonic()
    artifact = tiny.bundle(scratch / "bundle").with_name("model.fp32.onnx")
    damage = hostile.measure(artifact, count, BODY_MIB, seed)
    statuses = damage.statuses
    answered = statuses.total() - statuses[hostile.NOTHING] - statuses["500"] - statuses["200"]
    return Record(
        tried=statuses.total() + hostile.ORDINARY,
        ok=statuses["200"] + damage.predicted - damage.wrong,
        refused=answered,
        lost=hostile.ORDINARY - damage.predicted,
        wrong=damage.wrong,
        silent=statuses[hostile.NOTHING],
        traceback=statuses["500"],
        crash=damage.crashes,
        seconds=time.monotonic() - started,
        more={"growth MiB": round(damage.after - damage.before)},
    )
