"""Clients of a server: the official `tritonclient.http`, many in one process, each with a connection of its own."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Batches of other sizes round differently.
TOLERANCE = 0.01
NETWORK_SECONDS = 60.0


@dataclass(kw_only=True)
class Outcome:
    """What became of requests.

    seconds: of each request with a prediction. statuses: how many responses had each status; 0 for a connection that
    broke. wrong: predictions that differ from what is known. lost: requests without a prediction after all retries.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    wrong: int = 0
    lost: int = 0
    elapsed: float = 0.0

    def count(self, status: int) -> None:
        """Count a response."""
        self.statuses[status] = self.statuses.get(status, 0) + 1

    @property
    def answered(self) -> int:
        """Requests with a prediction."""
        return len(self.seconds)

    @property
    def per_second(self) -> float:
        """Predictions in a second."""
        return self.answered / self.elapsed if self.elapsed else 0.0

    def percentile(self, percent: float) -> float:
        """Milliseconds of a request with a prediction."""
        import numpy as np

        return 1000 * float(np.percentile(self.seconds, percent)) if self.seconds else float("nan")


@dataclass(kw_only=True)
class Target:
    """Where requests go, and what they contain.

    images: [n, size, size, 3]; each request sends one. known: the probabilities [k, n, classes] that are right: one of
    the k, which are those of several artifacts.
    """

    address: str
    name: str
    images: "NDArray[np.uint8]"
    known: "NDArray[np.float32]"


class Client:
    """One client; `ask` sends one image. inputs: of `prepare`."""

    def __init__(self, target: Target, inputs: list[Any], outcome: Outcome) -> None:
        self._target = target
        self._inputs = inputs
        self._outcome = outcome
        self._client = self._connect()

    def ask(self, number: int, retries: int = 0, wait: float = 1.0) -> None:
        """Send an image, and compare the prediction; repeat after `wait` seconds when the server says 503."""
        import gevent  # type: ignore[import-untyped]

        index = number % len(self._target.images)
        for attempt in range(retries + 1):
            if attempt:
                gevent.sleep(wait)
            if self._try(index):
                return
        self._outcome.lost += 1

    def _try(self, index: int) -> bool:
        import numpy as np
        from tritonclient.utils import InferenceServerException

        started = time.monotonic()
        try:
            result = self._client.infer(self._target.name, [self._inputs[index]])
        except InferenceServerException as error:
            status = str(error.status() or "")
            self._outcome.count(int(status) if status.isdigit() else 0)
            return False
        except Exception:
            # A connection that broke; the library raises many kinds.
            self._outcome.count(0)
            self._client = self._connect()
            return False
        self._outcome.seconds.append(time.monotonic() - started)
        self._outcome.count(200)
        given = result.as_numpy("probabilities")[0]
        if np.abs(self._target.known[:, index] - given).max(axis=1).min() > TOLERANCE:
            self._outcome.wrong += 1
        return True

    def _connect(self) -> Any:
        from tritonclient.http import InferenceServerClient

        return InferenceServerClient(
            self._target.address, network_timeout=NETWORK_SECONDS, connection_timeout=NETWORK_SECONDS
        )


def prepare(target: Target) -> list[Any]:
    """The input tensor of each image: what is sent again and again is prepared once, for all clients."""
    from tritonclient.http import InferInput

    return [
        InferInput("images", [1, *image.shape], "UINT8").set_data_from_numpy(image[None]) for image in target.images
    ]


def closed_loop(target: Target, clients: int, seconds: float) -> Outcome:
    """Each client sends its next request when it has the response of the former one."""
    end = time.monotonic() + seconds
    return _run(target, clients, lambda number: time.monotonic() < end)


def fixed_count(target: Target, clients: int, requests: int, retries: int = 0, seconds: float = 0.0) -> Outcome:
    """The same until so many requests were sent and so much time has passed; a client repeats after a response 503."""
    end = time.monotonic() + seconds
    return _run(target, clients, lambda number: number < requests or time.monotonic() < end, retries)


def until(target: Target, clients: int, flag: Path) -> Outcome:
    """The same until a file exists."""
    return _run(target, clients, lambda number: not flag.exists())


def open_loop(target: Target, per_second: float, seconds: float, seed: int | None = None) -> Outcome:
    """Requests at a rate, whatever the server does: at equal intervals, or with a seed at random ones (Poisson)."""
    import gevent

    outcome, inputs = Outcome(), prepare(target)
    idle: list[Client] = []
    running = []
    started = time.monotonic()
    for number, at in enumerate(_arrivals(per_second, seconds, seed)):
        gevent.sleep(max(0.0, started + at - time.monotonic()))
        client = idle.pop() if idle else Client(target, inputs, outcome)

        def ask(client: Client = client, number: int = number) -> None:
            client.ask(number)
            idle.append(client)

        running.append(gevent.spawn(ask))
    gevent.joinall(running, raise_error=True)
    outcome.elapsed = time.monotonic() - started
    return outcome


def _arrivals(per_second: float, seconds: float, seed: int | None) -> list[float]:
    import numpy as np

    count = round(per_second * seconds)
    if seed is None:
        return [number / per_second for number in range(count)]
    gaps: list[float] = np.cumsum(np.random.default_rng(seed).exponential(1 / per_second, count)).tolist()
    return gaps


def _run(target: Target, clients: int, goes_on: Callable[[int], bool], retries: int = 0) -> Outcome:
    import gevent

    outcome = Outcome()
    numbers = iter(range(1 << 62))

    def work(client: Client) -> None:
        while goes_on(number := next(numbers)):
            client.ask(number, retries)

    inputs = prepare(target)
    prepared = [Client(target, inputs, outcome) for _ in range(clients)]
    started = time.monotonic()
    gevent.joinall([gevent.spawn(work, each) for each in prepared], raise_error=True)
    outcome.elapsed = time.monotonic() - started
    return outcome
