"""Training times over several splits of the same images: speedups with their intervals."""

import statistics
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from benchmarks.analysis.statistics import paired_ratio
from temper.cli.tables import Table

if TYPE_CHECKING:
    from experiments.training_time.runs import Measurement, TrainingRun

HEADINGS = (
    "training", "seconds, median (range)", "speedup over both epochs", "speedup over the tutorial's loop",
    "speedup over the fair loop", "reaches the target", "images above the target, by split", "test accuracy, %, mean",
)  # fmt: skip
FIRST_AT_TARGET = "tutorial's loop, first epoch at the target"


def splits_sections(results: "list[Measurement]") -> tuple[str | Table, ...]:
    """The table over all splits, and what stands above that of the first one."""
    text = (
        "Speedups are medians over the splits of paired ratios, with their 95 % interval. The target is the number of "
        "validation images that the tutorial's loop classifies correctly at its end."
    )
    return text, splits_table(results), "The first split:"


def splits_table(results: "list[Measurement]") -> Table:
    """A row for each training. Speedups: median over the splits of paired ratios, with the 95 % interval."""
    return Table(headings=HEADINGS, rows=list(_rows(results)), right=frozenset({5}))


def _rows(results: "list[Measurement]") -> Iterator[tuple[str, ...]]:
    for position, first in enumerate(results[0].runs):
        runs = [each.runs[position] for each in results]
        seconds = [each.seconds for each in runs]
        above = [run.val_correct - result.target for run, result in zip(runs, results, strict=True)]
        yield (
            FIRST_AT_TARGET if first is results[0].tutorial[1] else first.name,
            f"{statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})",
            *(_speedup(results, seconds, other) for other in (_both_epochs, _first_epoch, _fair)),
            f"{sum(each >= 0 for each in above)} of {len(above)}",
            ", ".join(f"{each:+}" for each in above),
            f"{100 * statistics.mean(float((~run.is_wrong).mean()) for run in runs):.1f}",
        )


def _speedup(results: "list[Measurement]", seconds: list[float], other: "Callable[[Measurement], TrainingRun]") -> str:
    return paired_ratio([other(each).seconds for each in results], seconds).text(1)


def _both_epochs(result: "Measurement") -> "TrainingRun":
    return result.tutorial[0]


def _first_epoch(result: "Measurement") -> "TrainingRun":
    return result.tutorial[1]


def _fair(result: "Measurement") -> "TrainingRun":
    return result.fair
