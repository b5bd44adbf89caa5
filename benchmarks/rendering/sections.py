"""Texts and tables of the Markdown file and of the page."""

from benchmarks.analysis.report import EndToEnd, Report
from benchmarks.analysis.verdict import recommendation
from benchmarks.measurement.latency_budget import RateWithinLimit
from benchmarks.measurement.mlperf import ScenarioRun
from benchmarks.rendering.table import MISSING
from temper.cli.tables import Table

METHOD = (
    "Every case (an artifact, and a mode to call it in) runs in a warm process of its own. One at a time is "
    "measured, in rounds of random order. Untimed calls precede each sample block; after it the benchmark waits "
    "until the process is idle. Percentiles are of all samples, nothing is removed. ≥ before a p99 means that there "
    "are too few samples for an upper bound (fewer than 367). Images/s are by the wall clock over blocks of calls. "
    "Brackets contain 95 % intervals: by a bootstrap over rounds, and Wilson's for fractions. On a GPU a call "
    "includes the copies to it and back; network ms is the median without them. A cold start is the time from the "
    "start of a process to its first prediction, with the caches of earlier starts; the interval of its speedup is "
    "the ratio of the extremes."
)
WITHIN_LIMIT = (
    "Images arrive at random (a Poisson process); a runtime that is free takes what waits, up to the largest batch "
    "that is worth its time. Images/s is the highest rate at which the p99 from the arrival of an image to its label "
    "stays within the limit; it was confirmed by a run that is four times as long as those of the search."
)
END_TO_END = (
    "One by one: a file at a time, decoded at full scale, Keras predict. Overlapped: threads decode ahead at a "
    "reduced scale, batches of 8. Decode is the time of one thread; waiting and network are of the complete run. "
    "Times are for one image."
)


def scenarios_text(report: Report) -> str:
    """The explanation of the table of scenarios."""
    return (
        "Run by LoadGen; its VALID also requires a number of queries. In the Server scenario p99 must stay within "
        f"{report.server_latency_bound_ms:g} ms; server images/s of the main table is the highest offered rate that "
        "does, and that is VALID if the runs last a minute. LoadGen's summaries of all runs are in "
        "loadgen-summaries.txt."
    )


def within_limit_table(report: Report) -> Table:
    """The rate within the limit of latency; without rows when it was not searched."""
    headings = ["artifact", "p99 at most, ms", "images/s", "p99 ms at this rate", "images in a call at most"]
    rows = [_within_limit_row(case.name, each) for case in report.cases if (each := case.within_limit)]
    return Table(headings=headings, rows=rows, right=frozenset(range(1, 5)))


def recommendation_table(report: Report) -> Table:
    """Whether to use each artifact."""
    rows = [[case.name, recommendation(case, report)] for case in report.cases]
    return Table(headings=["artifact", "recommendation"], rows=rows)


def end_to_end_table(report: Report) -> Table:
    """From files to labels; without rows when it was not measured."""
    headings = ["artifact", "files", "method", "images/s", "speedup vs Keras predict", "decode ms", "waiting ms"]
    rows = [_end_to_end_row(case.name, each) for case in report.cases for each in case.end_to_end]
    return Table(headings=[*headings, "network ms", "top-1 %"], rows=rows, right=frozenset(range(3, 9)))


def scenario_table(report: Report) -> Table:
    """LoadGen's runs, of Server the one at the highest rate; without rows when there were none."""
    headings = ["artifact", "scenario", "LoadGen's verdict", "p50 ms", "p90 ms", "p99 ms", "images/s", "logs"]
    rows = [
        _scenario_row(case.name, each)
        for case in report.cases
        for each in case.scenarios
        if each.offered_rate in (None, case.server_images_per_second)
    ]
    return Table(headings=headings, rows=rows, right=frozenset(range(3, 7)))


def facts(report: Report) -> dict[str, str]:
    """Machine, conditions, versions and origin, by name."""
    host = {"processor": report.host.processor, "cores": str(report.host.cores), "system": report.host.system}
    return {
        **host,
        "memory": f"{report.host.memory_gib} GiB",
        **{
            f"{name.replace('_', ' ')} {phase}": value
            for phase, values in report.conditions.items()
            for name, value in values.items()
        },
        **{f"peak {name}": f"{gops:.0f} billion operations per second" for name, gops in report.peak_gops.items()},
        **report.versions,
        "created": report.created,
        "command": report.command,
        **({"note": report.note} if report.note else {}),
    }


def _end_to_end_row(name: str, each: EndToEnd) -> list[str]:
    return [
        name,
        each.files,
        each.method,
        f"{each.images_per_second.value:.1f}",
        each.speedup.text(2) if each.speedup else MISSING,
        *(f"{ms:.2f}" for ms in (each.decode_ms, each.waiting_ms, each.network_ms)),
        f"{100 * each.top1:.1f}",
    ]


def _within_limit_row(name: str, each: RateWithinLimit) -> list[str]:
    if not each.images_per_second:
        return [name, f"{each.limit_ms:g}", "none", f"{each.p99_ms:.1f} for a call alone", MISSING]
    return [
        name,
        f"{each.limit_ms:g}",
        f"{each.images_per_second:.1f}",
        f"{each.p99_ms:.1f}",
        str(each.max_batch),
    ]


def _scenario_row(name: str, each: ScenarioRun) -> list[str]:
    return [
        name,
        each.name,
        "VALID" if each.valid else "INVALID",
        *(f"{each.latency_ms[percent]:.1f}" for percent in ("50.00", "90.00", "99.00")),
        MISSING if each.images_per_second is None else f"{each.images_per_second:.1f}",
        each.logs,
    ]
