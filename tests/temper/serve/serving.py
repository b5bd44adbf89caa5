"""A server in a thread of the tests, with real child processes, and requests of one line."""

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temper.artifact import Artifact
from temper.runners.base import Images
from temper.runners.load import open_runner
from temper.serve.model import ServedModel
from temper.serve.server import Server, bound_socket, make_server, run_server
from temper.serve.settings import Limits, Settings
from tests import tiny

SECONDS = 20.0
SMALL = Limits(
    header_bytes=4096, header_seconds=0.5, body_seconds=1.0, body_bytes=1 << 20, json_bytes=1 << 16, images=20
)


@dataclass(kw_only=True)
class Reply:
    """A response. status 0: the connection was closed without one."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(kw_only=True)
class Running:
    server: Server
    port: int
    loop: asyncio.AbstractEventLoop

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def model(self) -> ServedModel:
        return next(iter(self.server.service.models.values()))

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """A request on a connection of its own; an underscore in the name of a header is a hyphen."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        with contextlib.closing(connection):
            connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Reply(status=response.status, body=response.read(), headers=names)

    def get(self, path: str, **headers: str) -> Reply:
        return self.request("GET", path, None, **headers)

    def post(self, path: str, body: bytes, **headers: str) -> Reply:
        return self.request("POST", path, body, **headers)

    def infer(self, images: Images, **parameters: object) -> Reply:
        """Images as a binary tensor; the prediction as JSON."""
        text = json.dumps({"inputs": [tensor(images, binary_data_size=images.size)], "parameters": parameters}).encode()
        length = str(len(text))
        return self.post("/v2/models/model/infer", text + images.tobytes(), Inference_Header_Content_Length=length)

    def raw(self, content: bytes, pause: float = 0.0) -> Reply:
        """Bytes as they are, one at a time where there is a pause."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as connection:
            with contextlib.suppress(OSError):
                for piece in [content[i : i + 1] for i in range(len(content))] if pause else [content]:
                    connection.sendall(piece)
                    time.sleep(pause)
            received = b""
            with contextlib.suppress(OSError):
                while chunk := connection.recv(65536):
                    received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        return Reply(status=int(head.split()[1]) if head else 0, body=body, headers={})


@contextlib.contextmanager
def serving(artifact: Path, **changes: Any) -> Iterator[Running]:
    """A server of one model, called "model"; changes: of Settings."""
    settings = Settings(port=0, watch_seconds=0.1, **changes)
    server = make_server({"model": Artifact.at(artifact)}, settings)
    failures: list[BaseException] = []
    loop = asyncio.new_event_loop()
    with bound_socket(settings) as listener:
        port = listener.getsockname()[1]

        def run() -> None:
            try:
                loop.run_until_complete(run_server(server, listener))
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            wait_for(lambda: server.started or bool(failures))
            if failures:
                raise failures[0]
            yield Running(server=server, port=port, loop=loop)
        finally:
            server.should_exit = True
            thread.join()
            loop.close()


def wait_for(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait until a condition is true; fail when it does not become true in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def run_apart(coroutine: Coroutine[Any, Any, None]) -> None:
    """`asyncio.run` in a thread of its own: that of the tests may have an event loop, of a browser."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, coroutine).result()


def noise(n: int, seed: int = 0) -> Images:
    """Images of the tiny classifier's size."""
    return np.random.default_rng(seed).integers(0, 256, (n, tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)


def predicted(artifact: Path, images: Images) -> NDArray[np.float32]:
    """What the runner says without a server."""
    with open_runner(Artifact.at(artifact)) as runner:
        return runner.predict(images)


def tensor(images: Images, **parameters: object) -> dict[str, Any]:
    """The input of an inference request, without its values."""
    return {"name": "images", "shape": list(images.shape), "datatype": "UINT8", "parameters": parameters}


def values(reply: Reply) -> NDArray[np.float32]:
    """The probabilities of a response in JSON."""
    output = reply.json["outputs"][0]
    probabilities: NDArray[np.float32] = np.array(output["data"], np.float32).reshape(output["shape"])
    return probabilities
