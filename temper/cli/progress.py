"""Progress of long work: a bar on a terminal, and one line for each finished step everywhere."""

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from temper.cli.console import LOGGER, stderr_console
from temper.closing import Closing

# Seldom, so that drawing does not disturb what is measured meanwhile.
REFRESHES_PER_SECOND = 4
# (step, done, total): total is 0 where it is unknown; a step that is done has done == total.
ProgressCallback = Callable[[str, int, int], None]


def no_progress(step: str, done: int, total: int) -> None:
    """A ProgressCallback that shows nothing."""


@contextlib.contextmanager
def running(progress: ProgressCallback, step: str) -> Iterator[None]:
    """Show a step of unknown length while it runs: its time on a terminal, and a line when it has ended."""
    progress(step, 0, 0)
    yield
    progress(step, 1, 1)


class RateColumn(ProgressColumn):
    """Items per second."""

    def render(self, task: Task) -> Text:
        """The speed of the last seconds, or nothing before the first item."""
        speed = task.finished_speed or task.speed
        return Text(format_rate(speed) if speed else "")


class ProgressDisplay(Closing):
    """Shows the progress of one step after another; itself a ProgressCallback, and a context manager.

    >>> with ProgressDisplay() as progress:
    ...     for done in range(3):
    ...         progress("decoding", done + 1, 3)
    """

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._step = ""
        self._started = 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show that `done` of `total` items of a step are finished. A new step begins a new line."""
        if step != self._step or self._started == 0.0:
            self.close()
            self._step, self._started = step, time.monotonic()
        if stderr_console().is_terminal and LOGGER.isEnabledFor(logging.INFO):
            self._draw(step, done, total)
        if total and done >= total:
            self._finish(step, total)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar:
            self._bar.stop()
        self._bar, self._task, self._step, self._started = None, None, "", 0.0

    def _draw(self, step: str, done: int, total: int) -> None:
        if self._bar is None:
            name = TextColumn("{task.description}", markup=False)
            known = [BarColumn(), MofNCompleteColumn(), RateColumn(), TimeRemainingColumn()]
            self._bar = Progress(
                name,
                *(known if total else [RateColumn(), TimeElapsedColumn()]),
                console=stderr_console(),
                transient=True,
                refresh_per_second=REFRESHES_PER_SECOND,
                # rich would write to stderr what is printed to stdout, also where stdout is a file or a pipe.
                redirect_stdout=sys.stdout.isatty(),
            )
            self._task = self._bar.add_task(step, total=total or None, completed=done)
            self._bar.start()
        if self._task is not None:
            self._bar.update(self._task, completed=done)

    def _finish(self, step: str, total: int) -> None:
        seconds = time.monotonic() - self._started
        self.close()
        rate = f" ({format_rate(total / seconds)})" if seconds > 1 and total > 1 else ""
        count = f"{total:,} in " if total > 1 else ""
        LOGGER.info("%s: %s%s%s", step, count, format_duration(seconds), rate)


def format_rate(per_second: float) -> str:
    """Items per second as text.

    >>> format_rate(1234.4), format_rate(2.34)
    ('1,234/s', '2.3/s')
    """
    return f"{per_second:,.0f}/s" if per_second >= 100 else f"{per_second:.1f}/s"


def format_duration(seconds: float) -> str:
    """Seconds as text.

    >>> format_duration(0.25), format_duration(75), format_duration(3675)
    ('0.2 s', '1:15 min', '1:01:15 h')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"
