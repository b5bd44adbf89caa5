"""Classify many images on the nodes of a Ray cluster: names in, a folder of Parquet files out.

The command reads names only. Tasks on all nodes read and decode chunks of images, one actor for each GPU (or for each
node) classifies them, and tasks write each chunk as a part file. What is done after an interruption is read from the
part files, by name and content.
"""

import functools
import logging
import math
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temper.artifact import Artifact
from temper.card import Card
from temper.cli.progress import ProgressDisplay, format_duration, format_rate
from temper.cli.text import plural
from temper.cluster.output import Run, open_output
from temper.cluster.session import check_ray, count_actors, ray_session
from temper.cluster.steps import ClassifyChunks, chunk_of, decode_chunk, write_chunk
from temper.errors import DataError, UsageError, UserError
from temper.exit_codes import ExitCode
from temper.images import MAX_BYTES
from temper.infer.job_settings import JobSettings
from temper.infer.journal import Written
from temper.infer.sources import SourceOptions, Unreadable, Url, iterate_named
from temper.runners.base import best_batch

LOGGER = logging.getLogger("temper.cluster")
# Lost when a node dies, and computed again: a few seconds of work.
MAX_CHUNK_IMAGES, MAX_CHUNK_BYTES = 256, 2**25
CHUNKS_OF_AN_ACTOR = 8


@dataclass(kw_only=True)
class Summary:
    """What a run has done so far. images: all that were seen. failed: rows with an error, those of before included."""

    images: int = 0
    classified: int = 0
    failed: int = 0
    nodes: set[str] = field(default_factory=set)
    actors: set[str] = field(default_factory=set)
    started: float = field(default_factory=time.monotonic)

    def add(self, row: dict[str, Any]) -> None:
        """Add a chunk: the result of steps.write_chunk."""
        self.images += row["images"]
        self.classified += row["classified"]
        self.failed += row["failed"]
        self.nodes.add(row["node"])
        self.actors.add(row["actor"])

    def __str__(self) -> str:
        seconds = time.monotonic() - self.started
        rate = f" ({format_rate(self.classified / seconds)})" if self.classified > 1 else ""
        before = self.images - self.classified
        parts = [
            f"{plural(self.classified, 'image')} in {format_duration(seconds)}{rate}",
            f"{plural(before, 'image')} done before" if before else "",
            f"{self.failed:,} could not be read" if self.failed else "",
            f"{plural(len(self.actors), 'actor')} on {plural(len(self.nodes), 'node')}",
        ]
        return ", ".join(filter(None, parts))


def run_on_ray(*, artifact: Artifact, sources: list[str], out: Path, address: str, top_k: int) -> int:
    """Classify images on a Ray cluster and write Parquet files to the folder `out`; returns the exit code.

    artifact: verified, at the same path on every node. sources: files, folders, patterns and addresses; files are read
    by every node at the same path. address: of the cluster, "auto" for the one of this node, or "local". Run again, it
    goes on: an image with the same name and content is classified once. Raises UsageError for another kind of source
    and for settings that differ from those of `out`, and what `names_of` and `ray_session` raise.
    """
    check_ray()
    card = artifact.card
    settings = JobSettings(artifact=artifact.name, sha256=card.sha256, top_k=top_k, threshold=card.confidence_threshold)
    names = list(names_of(sources))
    with open_output(out, settings) as (run, written), ray_session(address) as ray, ProgressDisplay() as progress:
        summary = Summary(failed=written.failed)
        progress("classifying", 0, len(names))
        try:
            for row in _rows(ray, artifact, settings, run, written, names):
                summary.add(row)
                progress("classifying", summary.images, len(names))
        except BaseException as error:
            LOGGER.info("%s: %s. The same command goes on from there.", out, summary)
            raise _cause(error) from None
    LOGGER.info("%s: %s", out, summary)
    return ExitCode.SOME_FAILED if summary.failed else ExitCode.OK


def images_of_chunk(images: int, actors: int, card: Card) -> int:
    """How many images are read, classified and written together.

    Few enough that every actor gets several chunks and that a chunk of pixels has at most 32 MiB.
    """
    largest = max(1, min(MAX_CHUNK_IMAGES, MAX_CHUNK_BYTES // (3 * card.size**2)))
    return min(largest, max(best_batch(card), math.ceil(images / (CHUNKS_OF_AN_ACTOR * actors))))


def names_of(sources: list[str]) -> Iterator[str]:
    """Each path as it was named, and each address.

    Raises UsageError for what only this process could read, DataError for what cannot be read at all.
    """
    for image in iterate_named(sources, SourceOptions()):
        if isinstance(image, Path):
            yield str(image)
        elif isinstance(image, Url):
            yield image.address
        elif isinstance(image, Unreadable):
            raise DataError(image.error)
        else:
            raise UsageError(
                f"{getattr(image, 'name', 'an image')} is not a file or an address: Ray reads no stdin, shards, videos "
                "or cameras",
                fix="Leave --ray out, or unpack the images first.",
            )


def _rows(
    ray: Any, artifact: Artifact, settings: JobSettings, run: Run, written: Written, names: list[str]
) -> Iterable[dict[str, Any]]:
    """A summary of each chunk, as soon as it is written."""
    card, actors = artifact.card, count_actors(ray, artifact.format)
    length = images_of_chunk(len(names), actors, card)
    chunks = [chunk_of(start // length, names[start : start + length]) for start in range(0, len(names), length)]
    options = {"batch_size": None, "batch_format": "pyarrow", "zero_copy_batch": True}
    dataset = (
        ray.data.from_arrow(chunks)
        .map_batches(
            # Nodes have another current folder.
            functools.partial(decode_chunk, folder=str(Path.cwd()), size=card.size, written=written),
            # Of the largest image. Without it Ray would join this step and the next one in one process.
            memory=MAX_BYTES,
            **options,
        )
        .map_batches(
            ClassifyChunks,
            fn_constructor_args=(str(artifact.path.absolute()), settings.sha256, settings.top_k, settings.threshold),
            compute=ray.data.ActorPoolStrategy(size=actors),
            num_gpus=1 if artifact.format.needs_gpu else 0,
            **options,
        )
        .map_batches(functools.partial(write_chunk, run=run), **options)
    )
    for batch in dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
        yield from batch.to_pylist()


def _cause(error: BaseException) -> BaseException:
    """The error that a task has raised, or the error itself."""
    # Ray's own errors have it as `cause`.
    cause = getattr(error, "cause", error)
    if isinstance(cause, OSError) and cause.errno:
        # Ray appends advice for developers to the text.
        return OSError(cause.errno, os.strerror(cause.errno))
    return cause if isinstance(cause, UserError) else error
