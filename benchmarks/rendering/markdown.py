"""A report as Markdown."""

from collections.abc import Iterable

from benchmarks.analysis.report import Report
from benchmarks.analysis.verdict import headline, noise, warnings
from benchmarks.rendering.table import rows

METHOD = (
    "Every row runs in a process of its own, kept warm and asked one at a time in rounds of random order; before a "
    "timed call come untimed ones, after it the process is left until its threads are still. Percentiles are of all "
    "samples, nothing is removed; ≥ before a p99 that rests on too few to be bounded above (fewer than 367). Images/s "
    "by the wall clock over blocks of calls. In brackets: 95 % intervals, by a bootstrap over rounds; Wilson's for "
    "shares. On a GPU a call includes the copies to it and back; `network ms` is the median without them. Cold start: "
    "a new process to its first answer, with what its runtime kept of earlier starts."
)


def as_markdown(report: Report) -> str:
    """Verdict, table, what was measured beside it, machine and versions."""
    parts = [
        *headline(report),
        f"# {report.title}",
        f"{report.pictures} held-out pictures at {report.size} pixels. {METHOD}",
        _table(rows(report)),
        "\n".join(f"* {line.verdict}" for line in report.lines),
        *warnings(report),
        *_end_to_end(report),
        *_scenarios(report),
        *([noise(report.control)] if report.control else []),
        f"The stop-watch adds {report.overhead_microseconds:.1f} µs to a call."
        + "".join(f" Best {name} rate: {gops:.0f} GOP/s." for name, gops in report.peaks_gops.items()),
        f"Machine: {_listed(report.machine)}. "
        + " ".join(f"{when.capitalize()}: {_listed(facts)}." for when, facts in report.conditions.items()),
        f"Versions: {_listed(report.versions)}. Made {report.made_at} by `{report.command}`.",
    ]
    return "\n\n".join(parts) + "\n"


def end_to_end_rows(report: Report) -> list[list[str]]:
    """From files to labels: head and lines, as text; only the head when it was not measured."""
    head = ["artifact", "files", "way", "images/s", "× plain Keras", "decode ms", "waiting ms", "network ms", "top-1 %"]
    return [
        head,
        *(
            [
                line.name,
                each.files,
                each.way,
                f"{each.images_per_second.value:.1f}",
                f"{each.speedup.value:.2f} [{each.speedup.low:.2f}, {each.speedup.high:.2f}]" if each.speedup else "–",
                *(f"{ms:.2f}" for ms in (each.decode_ms, each.waiting_ms, each.network_ms)),
                f"{100 * each.top1:.1f}",
            ]
            for line in report.lines
            for each in line.end_to_end
        ),
    ]


def scenario_rows(report: Report) -> list[list[str]]:
    """LoadGen's runs, of Server's the highest held: head and lines, as text; only the head when there were none."""
    head = ["artifact", "scenario", "LoadGen says", "p50 ms", "p90 ms", "p99 ms", "images/s", "logs"]
    return [
        head,
        *(
            [
                line.name,
                each.name,
                "VALID" if each.valid else "INVALID",
                *(f"{each.latency_ms[percent]:.1f}" for percent in ("50.00", "90.00", "99.00")),
                "–" if each.images_per_second is None else f"{each.images_per_second:.1f}",
                each.logs,
            ]
            for line in report.lines
            for each in line.scenarios
            if each.offered in (None, line.server_images_per_second)
        ),
    ]


def _end_to_end(report: Report) -> list[str]:
    found = end_to_end_rows(report)
    if len(found) == 1:
        return []
    said = (
        "Plain: one file at a time, decoded in full, `predict`. Overlapped: threads decode ahead at a reduced scale, "
        "batches of 8. Decode: of one thread; waiting and network: of the whole passage; for one picture each."
    )
    return ["## From files to labels", said, _table(found)]


def _scenarios(report: Report) -> list[str]:
    found = scenario_rows(report)
    if len(found) == 1:
        return []
    said = (
        f"Run by LoadGen; its VALID asks for enough queries too. Server's p99 is bound to {report.bound_ms:g} ms, and "
        "the table's `server images/s` is the highest offered rate that kept it."
    )
    return ["## MLPerf scenarios", said, _table(found)]


def _table(lines: list[list[str]]) -> str:
    head, *rest = lines
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rest))


def _listed(facts: dict[str, str]) -> str:
    told: Iterable[str] = (f"{name.replace('_', ' ')} {value}" for name, value in facts.items())
    return ", ".join(told) or "nothing known"
