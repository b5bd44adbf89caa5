"""A job whose results go to a file, and which goes on where it was when the same command is run again.

Beside `results.jsonl` is the folder `results.jsonl.job` with `settings.json`: the artifact and the settings that the
rows are made with. For Parquet it also holds the rows until the job is complete.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from temper.closing import Closing
from temper.errors import ResourceError, UsageError
from temper.infer.flow import Flow, StageTimes
from temper.infer.job_settings import JobSettings, check_settings
from temper.infer.journal import Journal, Written, key_of, read_rows, recover
from temper.infer.parquet import import_pyarrow, write_parquet
from temper.infer.results import Result
from temper.infer.rows import Form, row_of
from temper.storage.lock import lock_folder

LOGGER = logging.getLogger("temper.infer")
SUFFIXES = (".jsonl", ".csv", ".parquet")
JOB_SUFFIX, SETTINGS = ".job", "settings.json"


class Job(Closing):
    """A file of results that is being written, by this process alone; a context manager.

    written: what the file contained at the start. classified: rows of this run. failed: rows with an error, those of
    earlier runs included.
    """

    def __init__(self, out: Path, settings: JobSettings) -> None:
        _check_suffix(out)
        self.out = out
        self.failed = self.classified = 0
        self._started = time.monotonic()
        self._folder = out.with_name(out.name + JOB_SUFFIX)
        self._form: Form = "csv" if out.suffix == ".csv" else "jsonl"
        self._path = self._folder / "rows.jsonl" if self._is_parquet else out
        _refuse_foreign(out, self._folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            if not stack.enter_context(lock_folder(self._folder, wait=False)):
                raise ResourceError(
                    f"{out} is being written by another process, or {self._folder} cannot be locked",
                    fix="Wait for the end of the other command, or name another file with --out.",
                )
            check_settings(self._folder / SETTINGS, settings, out, f"{out} and {self._folder}")
            self.written: Written = recover(self._path, self._form)
            self.failed = self.written.failed
            self._journal = stack.enter_context(Journal(self._path, self._form))
            self._open = stack.pop_all()

    def is_done(self, name: str, sha256: str) -> bool:
        """Whether there is a row for an image."""
        return key_of(name, sha256) in self.written

    def write(self, results: Iterable[Result], batch: int, report: Callable[[int], None]) -> None:
        """Write a row for each result, in pieces of `batch`. report: is called with the number of results so far.

        Those before an interruption are written too. Raises OSError when rows cannot be written.
        """
        rows = []
        try:
            for result in results:
                rows.append(row_of(result))
                self.failed += bool(result.error)
                self.classified += 1
                if len(rows) == batch:
                    piece, rows = rows, []
                    self._journal.write(piece)
                    report(self.classified)
        finally:
            self._journal.write(rows)
            self._journal.wait()
        report(self.classified)

    def finish(self, times: StageTimes) -> None:
        """Complete the file: of Parquet, it is written now. times: its `writing` is set."""
        self._journal.wait()
        if self._is_parquet:
            write_parquet(self.out, (row for _, row in read_rows(self._path, self._form)))
        times.writing = self._journal.seconds

    def close(self) -> None:
        """Write what is left and unlock the file."""
        self._open.close()

    @property
    def rows(self) -> int:
        """Rows of this run that are on the disk."""
        return self._journal.rows

    @property
    def seconds(self) -> float:
        """Since the job began or went on."""
        return time.monotonic() - self._started

    @property
    def _is_parquet(self) -> bool:
        return self.out.suffix == ".parquet"


def run_job(job: Job, results: Iterator[Result], batch: int, flow: Flow, report: Callable[[int], None]) -> None:
    """Classify what is left to do, and complete the file. An interruption leaves all rows so far."""
    try:
        job.write(results, batch, lambda done: report(done + flow.times.done_before))
        job.finish(flow.times)
    except BaseException:
        LOGGER.info("%s has %s more rows. The same command goes on from there.", job.out, f"{job.rows:,}")
        raise


def _check_suffix(out: Path) -> None:
    if out.suffix not in SUFFIXES:
        raise UsageError(f"--out {out} has an unknown suffix", fix=f"Expected one of {', '.join(SUFFIXES)}.")
    if out.suffix == ".parquet":
        # Not after hours of work.
        import_pyarrow()


def _refuse_foreign(out: Path, folder: Path) -> None:
    if out.is_dir() or (out.exists() and not (folder / SETTINGS).exists()):
        raise UsageError(
            f"{out} exists, and {folder} does not say how it was made: the job cannot go on there",
            fix="Name another file with --out, or move this one away.",
        )
