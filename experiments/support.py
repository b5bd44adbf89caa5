"""What the programs of this folder have in common: paths, options, reports, other programs, figures of samples."""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from temper.cli.console import CommandParser, add_verbosity_options
from temper.cli.tables import Table
from temper.cli.text import plural

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
# Of convert/run.py: an artifact is published whatever its accuracy.
ANY_ACCURACY = ("--max-drop", "100", "--max-class-drop", "100", "--min-agreement", "0")


def make_parser(description: str | None, result: str = "") -> argparse.ArgumentParser:
    """A parser with the options of every experiment. result: the file in RESULTS that --out names by default."""
    program = Path(sys.argv[0]).resolve()
    parser = CommandParser(
        prog=f"python {program.relative_to(ROOT) if program.is_relative_to(ROOT) else program.name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_verbosity_options(parser)
    if result:
        path = (RESULTS / result).relative_to(ROOT)
        text = f"the table (default: {path})"
        parser.add_argument("--out", type=Path, default=RESULTS / result, metavar="FILE", help=text)
    return parser


def write_report(
    target: Path,
    title: str,
    *sections: str | Table,
    packages: Sequence[str] = (),
    with_machine: bool = True,
    is_printed: bool = True,
) -> None:
    """Print a report and write it as Markdown; its last line names this machine and the versions of `packages`.

    with_machine: False for a report whose text names the machines, as one of several runs must. is_printed: False for
    one that is written again after the next step.
    """
    from temper.storage.atomic import write_text

    text = markdown(title, *sections, *([describe_machine(packages)] if with_machine else []))
    write_text(target, text)
    if is_printed:
        print(text)


def markdown(title: str, *sections: str | Table) -> str:
    """A report as Markdown; empty sections are left out."""
    bodies = [each.markdown() if isinstance(each, Table) else each.strip() for each in sections]
    return "\n\n".join([f"# {title}", *filter(None, bodies)]) + "\n"


def describe_machine(packages: Sequence[str]) -> str:
    """A line with this machine, and with the versions of Python and of those packages that are installed."""
    from temper.provenance import package_versions
    from temper.system.host import describe_host

    host, versions = describe_host(), package_versions(*packages)
    libraries = ", ".join([f"Python {versions.pop('python')}", *(" ".join(each) for each in versions.items())])
    return (
        f"Machine: {host.processor}, {plural(host.cores, 'core')}, {host.memory_gib} GiB, {host.system}. {libraries}."
    )


def run_program(*arguments: str | Path) -> None:
    """Run Python with these arguments in the project's folder, quietly. Raises RuntimeError when it fails."""
    done = subprocess.run([sys.executable, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, arguments))} ended with exit code {done.returncode}:\n{done.stderr}")


def resident_mib(process: int | str = "self") -> float:
    """Resident memory of a process in MiB. Linux only. Raises OSError when it has ended."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def descendants(pid: int, title: str = "") -> list[int]:
    """Processes that a process has started, directly or not, whose command line contains the title."""
    children: dict[int, list[int]] = {}
    titles: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
            titles[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    below, waiting = list[int](), [pid]
    while waiting:
        inside = children.get(waiting.pop(), [])
        waiting += inside
        below += [each for each in inside if title in titles.get(each, "")]
    return below


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the mean of at least two values (Student's t)."""
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
    return statistics.fmean(values) - half, statistics.fmean(values) + half
