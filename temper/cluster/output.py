"""The folder of a job's results: part files that are complete, and `_job.json` with what their rows depend on.

Each run writes to a folder of its own and moves a part into place when it is complete. The next run removes that folder
before it looks what is done: a task that outlives a killed run has nowhere to write, and moves nothing into place.
"""

import array
import contextlib
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from temper.errors import DataError, ResourceError, UsageError
from temper.infer.job_settings import JobSettings, check_settings
from temper.infer.journal import Written, is_tried_again, keys_of
from temper.storage.lock import lock_folder
from temper.storage.publish import flush, flush_folder

SETTINGS = "_job.json"
# Readers of Parquet folders ignore names that begin like this.
WRITING = "_writing-"
PARTS = "part-*.parquet"
# Of files that a job on one machine writes; a folder may have the name of a Parquet file.
TEXT_SUFFIXES = (".jsonl", ".csv")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a job, as each task knows it: the folder of the results, and a name that no other run has."""

    out: str
    name: str

    @property
    def folder(self) -> Path:
        """Where parts are written before they are complete."""
        return Path(self.out) / f"{WRITING}{self.name}"

    def write_part(self, number: int, table: Any) -> None:
        """Write the rows of a chunk, a pyarrow.Table. The same chunk again replaces its part.

        Raises FileNotFoundError when another run has begun meanwhile, OSError when the part cannot be written.
        """
        import pyarrow.parquet

        name = f"part-{self.name}-{number:06}.parquet"
        # Two tasks may write the same chunk at once, when Ray has given one of them up.
        unfinished = self.folder / f"{name}.{secrets.token_hex(4)}"
        pyarrow.parquet.write_table(table, unfinished)
        flush(unfinished)
        unfinished.replace(Path(self.out, name))
        flush_folder(Path(self.out))


@contextlib.contextmanager
def open_output(out: Path, settings: JobSettings) -> Iterator[tuple[Run, Written]]:
    """Lock the folder of a job for a new run; yields the run, and which images are done.

    Raises UsageError for a folder of something else or of other settings, ResourceError while another command writes
    it, DataError for a damaged part.
    """
    _refuse_foreign(out)
    out.mkdir(parents=True, exist_ok=True)
    with lock_folder(out, wait=False) as is_locked:
        if not is_locked:
            raise ResourceError(
                f"{out} is being written by another command, or cannot be locked",
                fix="Wait for its end, or name another folder with --out.",
            )
        check_settings(out / SETTINGS, settings, out, str(out))
        _remove_unfinished(out)
        run = Run(out=str(out.absolute()), name=secrets.token_hex(4))
        written = recover_parts(out)
        run.folder.mkdir()
        try:
            yield run, written
        finally:
            _remove_unfinished(out)


def recover_parts(out: Path) -> Written:
    """Which images have a row. Rows of what could not be read at all are removed: they are tried again."""
    import pyarrow.parquet

    keys = array.array("Q")
    failed = 0
    for part in sorted(out.glob(PARTS)):
        try:
            rows = pyarrow.parquet.read_table(part, columns=["file", "sha256", "error"]).to_pylist()
        except (pyarrow.ArrowException, OSError) as error:
            raise DataError(
                f"{part} cannot be read ({error})", fix="Remove it: its images are classified again."
            ) from None
        again = [is_tried_again(row) for row in rows]
        if any(again):
            _rewrite_without(part, again)
        for row in (row for row, is_again in zip(rows, again, strict=True) if not is_again):
            failed += bool(row["error"])
            keys.extend(keys_of(row))
    return Written(keys=np.sort(np.array(keys, np.uint64)), failed=failed)


def _rewrite_without(part: Path, removed: list[bool]) -> None:
    import pyarrow.parquet

    from temper.storage.atomic import atomic_write

    if all(removed):
        part.unlink()
        return
    table = pyarrow.parquet.read_table(part)
    with atomic_write(part) as target:
        pyarrow.parquet.write_table(table.filter([not each for each in removed]), target)


def _remove_unfinished(out: Path) -> None:
    for folder in out.glob(f"{WRITING}*"):
        # In one step: removing the files one by one would leave a task time to write more.
        gone = folder.with_name(f".removed-{folder.name}")
        with contextlib.suppress(FileNotFoundError):
            folder.replace(gone)
    for gone in out.glob(f".removed-{WRITING}*"):
        shutil.rmtree(gone, ignore_errors=True)


def _refuse_foreign(out: Path) -> None:
    if out.suffix in TEXT_SUFFIXES:
        raise UsageError(
            f"--out {out} has the suffix of a file, and a job on Ray writes a folder of Parquet files",
            fix=f"Name a folder, such as {out.with_suffix('')}.",
        )
    if out.is_file():
        raise UsageError(f"--out {out} is a file, and a job on Ray writes a folder", fix="Name another path.")
    if out.is_dir() and not (out / SETTINGS).exists() and any(out.iterdir()):
        raise UsageError(
            f"{out} is not empty, and has no {SETTINGS}: it is not the folder of a job on Ray", fix="Name another path."
        )
