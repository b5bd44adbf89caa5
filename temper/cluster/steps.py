"""The steps of a job on Ray, each from one chunk of images to the next form of it: names, pixels, rows, a summary.

A chunk is a pyarrow.Table. Each step keeps its order and its length, so a chunk that is computed again, after a process
or a node is lost, is the same chunk.
"""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from temper.artifact import Artifact
from temper.cluster.output import Run
from temper.errors import ArtifactError, UserError
from temper.images import ImageArray, map_ahead
from temper.infer.decode import Decoded, decode
from temper.infer.flow import Flow
from temper.infer.journal import Written, key_of
from temper.infer.parquet import schema
from temper.infer.results import Result, is_unknown, top_k
from temper.infer.rows import COLUMNS, row_of
from temper.infer.sources import Url
from temper.infer.sources.names import is_url
from temper.runners.base import Runner
from temper.runners.load import open_runner

# Requests to web servers at a time, in each task.
URL_THREADS = 8


def chunk_of(number: int, names: list[str]) -> Any:
    """A chunk of names: paths, whose bytes may be no text, and addresses."""
    import pyarrow as arrow

    encoded = arrow.array([os.fsencode(name) for name in names], arrow.binary())
    return arrow.table({"number": arrow.array([number] * len(names), arrow.int64()), "name": encoded})


def decode_chunk(chunk: Any, *, folder: str, size: int, written: Written) -> Any:
    """Read and decode; adds the pixels as bytes, empty for an image that is done or cannot be read.

    folder: the one that relative paths begin in, the command's.
    """
    import pyarrow as arrow

    names = [os.fsdecode(name) for name in chunk["name"].to_pylist()]
    decoded: Iterator[Decoded] = map_ahead(
        lambda name: _decode_named(name, folder, size, written),
        names,
        workers=URL_THREADS if any(map(is_url, names)) else 1,
    )
    images = list(decoded)
    pixels = [b"" if each.pixels is None else each.pixels.tobytes() for each in images]
    for name, values in (
        ("sha256", arrow.array([each.result.sha256 for each in images], arrow.string())),
        ("error", arrow.array([each.result.error.encode("utf-8", "surrogateescape") for each in images])),
        ("is_done", arrow.array([each.is_done for each in images], arrow.bool_())),
        ("pixels", arrow.array(pixels, arrow.large_binary())),
    ):
        chunk = chunk.append_column(name, values)
    return chunk


class ClassifyChunks:
    """An actor: loads the artifact once, and turns chunks of pixels into chunks of rows.

    engine, sha256: see open_on_node, which calls raise the errors of. k, threshold: see results_of.
    """

    def __init__(self, engine: str, sha256: str, k: int, threshold: float | None) -> None:
        self._engine, self._sha256, self._k, self._threshold = engine, sha256, k, threshold
        self._runner: Runner | None = None

    def __call__(self, chunk: Any) -> Any:
        """Rows of all images of a chunk, and where they were computed."""
        import pyarrow as arrow
        import ray

        # Not in the constructor: Ray would start the actor again and again, and hide the error.
        self._runner = self._runner or open_on_node(self._engine, self._sha256)
        rows = [row_of(each) for each in results_of(self._runner, chunk, self._k, self._threshold)]
        context = ray.get_runtime_context()
        result = arrow.Table.from_pylist(rows, schema=schema())
        for name in ("number", "is_done"):
            result = result.append_column(name, chunk[name])
        for name, value in (("node", context.get_node_id()), ("actor", context.get_actor_id())):
            result = result.append_column(name, arrow.array([value] * len(rows), arrow.string()))
        return result


def open_on_node(engine: str, sha256: str) -> Runner:
    """The artifact at a path on this node. sha256: of its files on the machine where the command runs.

    Raises ArtifactError when it is not there or is another one, and what open_runner raises, with the node's name.
    """
    artifact, node = Artifact.at(engine), socket.gethostname()
    if not artifact.exists:
        raise ArtifactError(
            f"{engine} is not on the node {node}",
            fix="Put the artifact and its card where every node finds them at the same path.",
        )
    try:
        runner = open_runner(artifact)
    except UserError as error:
        raise type(error)(f"node {node}: {error.what}", fix=error.fix) from None
    if artifact.card.sha256 != sha256:
        runner.close()
        raise ArtifactError(
            f"{engine} on the node {node} is another artifact than that of this command",
            fix="Copy the artifact and its card to every node.",
        )
    return runner


def results_of(runner: Runner, chunk: Any, k: int, threshold: float | None) -> Iterator[Result]:
    """Results of a chunk of pixels, in its order. k: labels of each. threshold: None marks nothing as unknown."""
    size, columns = runner.card.size, chunk.select(["name", "sha256", "error", "pixels"]).to_pydict()
    images = [np.frombuffer(each, np.uint8).reshape(size, size, 3) for each in columns["pixels"] if each]
    predicted = iter(_predict(runner, images))
    for name, sha256, error, pixels in zip(*columns.values(), strict=True):
        predictions = tuple(top_k(next(predicted), runner.card.labels, k)) if pixels else ()
        yield Result(
            source=os.fsdecode(name),
            sha256=sha256,
            error=error.decode("utf-8", "surrogateescape"),
            predictions=predictions,
            unknown=is_unknown(predictions, threshold) if predictions else None,
        )


def write_chunk(chunk: Any, *, run: Run) -> Any:
    """Write the rows of a chunk that were not done before; returns one row that sums it up."""
    import pyarrow as arrow
    from pyarrow import compute

    rows = chunk.filter(compute.invert(chunk["is_done"]))
    if len(rows):
        run.write_part(rows["number"][0].as_py(), rows.select(COLUMNS))
    failed = compute.sum(compute.not_equal(rows["error"], "")).as_py() or 0
    where = {name: chunk[name][0].as_py() for name in ("node", "actor")}
    return arrow.Table.from_pylist([{"images": len(chunk), "classified": len(rows), "failed": failed, **where}])


def _decode_named(name: str, folder: str, size: int, written: Written) -> Decoded:
    """Decode an image that is known, in its row and in messages, by the name that the command was given."""
    source = Url(name) if is_url(name) else Path(folder, name)
    flow = Flow(is_done=lambda _, sha256: key_of(name, sha256) in written)
    decoded = decode(0, source, size, flow)
    error = decoded.result.error.replace(str(source), name, 1)
    return replace(decoded, result=replace(decoded.result, source=name, error=error))


def _predict(runner: Runner, images: list[ImageArray]) -> Iterator[Any]:
    for start in range(0, len(images), runner.best_batch):
        yield from runner.predict(np.stack(images[start : start + runner.best_batch]))
