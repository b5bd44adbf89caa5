"""A file of rows that grows while a job runs, and from which the job goes on after it was killed."""

import array
import csv
import hashlib
import io
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temper.closing import Closing
from temper.errors import DataError
from temper.escaping import original_name, stored_name
from temper.infer.rows import COLUMNS, Form, Row, decode_row, encode_rows
from temper.infer.sources.names import is_url
from temper.storage.atomic import atomic_write
from temper.storage.publish import flush_folder

KEY_BYTES = 8
REMEDY = "Move it away, or name another file with --out."


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a journal contains when a job goes on. failed: rows with an error. keys: of all rows, sorted, uint64 [n]."""

    keys: NDArray[np.uint64]
    failed: int = 0

    def __contains__(self, key: int) -> bool:
        """Whether there is a row with this key."""
        position = int(np.searchsorted(self.keys, np.uint64(key)))
        return position < len(self.keys) and int(self.keys[position]) == key


def key_of(name: str, sha256: str) -> int:
    """A number for the identity of a row. Eight bytes: of a million images two agree once in 40 million jobs."""
    identity = f"{sha256}\0{stored_name(name)}".encode()
    return int.from_bytes(hashlib.blake2b(identity, digest_size=KEY_BYTES).digest(), "big")


def recover(path: Path, form: Form) -> Written:
    """Read the rows of a journal, and remove a torn last line and the rows of what could not be read at all.

    The latter, without a SHA-256, are missing files and servers that did not respond: they are tried again. The file is
    replaced as a whole or not at all. Raises DataError for a line that is no row.
    """
    # 8 bytes each; a list of numbers takes five times as much.
    keys = array.array("Q")
    size = path.stat().st_size if path.exists() else 0
    # A torn header is removed too.
    end = len(header()) if form == "csv" and size >= len(header()) else 0
    failed, is_rewritten = 0, False
    for position, row in read_rows(path, form):
        end = position
        if is_tried_again(row):
            is_rewritten = True
            continue
        failed += bool(row["error"])
        keys.extend(keys_of(row))
    if is_rewritten:
        _rewrite_without_failures(path, form)
    elif end < size:
        os.truncate(path, end)
    return Written(keys=np.sort(np.array(keys, np.uint64)), failed=failed)


def read_rows(path: Path, form: Form) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each complete row with the position of its end in the file; a torn last line is left out.

    Raises DataError for a line that is no row.
    """
    for number, end, record in _records(path, form):
        if form == "csv" and number == 1:
            if record != header():
                raise DataError(f"{path} has another header than {', '.join(COLUMNS)}", fix=REMEDY)
            continue
        try:
            yield end, decode_row(record, form)
        except (ValueError, KeyError, RecursionError, csv.Error) as error:
            raise DataError(f"{path}, row {number}, is damaged ({error})", fix=REMEDY) from None


def is_tried_again(row: Row) -> bool:
    """Whether a row is of an image that could not be read at all: a later run tries again."""
    return bool(row["error"]) and not row["sha256"]


def keys_of(row: Row) -> list[int]:
    """The keys under which the image of a row is known: by name and content, and a URL also by its name alone."""
    contents = (row["sha256"], "") if is_url(row["file"]) else (row["sha256"],)
    return [key_of(original_name(row["file"]), each) for each in contents]


def header() -> bytes:
    """The first line of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(COLUMNS)
    return text.getvalue().encode()


class Journal(Closing):
    """Appends rows to a file, each batch in one piece that is on the disk before the next one is written.

    A thread writes, so that the network goes on meanwhile. seconds: spent writing. rows: how many are on the disk.
    """

    def __init__(self, path: Path, form: Form) -> None:
        self.seconds, self.rows = 0.0, 0
        self._form: Form = form
        self._file = path.open("ab")
        self._thread = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None
        if form == "csv" and not self._file.tell():
            self._append(header(), 0)
        flush_folder(path.parent)

    def write(self, rows: Sequence[Row]) -> None:
        """Begin to write rows, when the ones before are on the disk. Raises OSError when those could not be written."""
        self.wait()
        self._last = self._thread.submit(lambda: self._append(encode_rows(rows, self._form), len(rows)))

    def wait(self) -> None:
        """Wait until all rows are on the disk. Raises OSError when they could not be written."""
        if self._last:
            self._last.result()

    def close(self) -> None:
        """Write what is left and close the file."""
        try:
            self.wait()
        finally:
            self._last = None
            self._thread.shutdown()
            self._file.close()

    def _append(self, data: bytes, rows: int) -> None:
        started = time.perf_counter()
        self._file.write(data)
        self._file.flush()
        os.fsync(self._file.fileno())
        self.seconds += time.perf_counter() - started
        self.rows += rows


def _records(path: Path, form: Form) -> Iterator[tuple[int, int, bytes]]:
    """Number from 1, position of the end, and bytes of each complete record: in CSV a quoted cell may have lines."""
    number = end = 0
    record = b""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            record += line
            if line.endswith(b"\n") and (form == "jsonl" or record.count(b'"') % 2 == 0):
                number, end = number + 1, end + len(record)
                yield number, end, record
                record = b""


def _rewrite_without_failures(path: Path, form: Form) -> None:
    with atomic_write(path) as target, target.open("wb") as file:
        file.write(header() if form == "csv" else b"")
        for _, row in read_rows(path, form):
            if not is_tried_again(row):
                file.write(encode_rows([row], form))
