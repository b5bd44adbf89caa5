"""What the suites counted, as JSON and as a table."""

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.chaos.record import COUNTS, Record
from experiments.chaos.registry import SUITES, Suite
from experiments.support import ROOT, describe_machine, markdown
from temper.cli.tables import Table

PACKAGES = ("numpy", "pillow", "onnx", "onnxruntime", "openvino", "tensorflow", "keras")
# Of other counts: what describes failures is in the JSON file alone.
DETAILS = ("examples", "worst", "message")


@dataclass(frozen=True, kw_only=True)
class Result:
    """A suite with its record, and the record of the tries with the planted fault."""

    suite: Suite
    record: Record
    faulty: Record

    @property
    def has_failed(self) -> bool:
        """Whether something happened that must not, or nothing was tried."""
        return bool(self.record.failures or self.suite.exceeded(self.record) or not self.record.tried)

    @property
    def noticed(self) -> int:
        """Tries with the planted fault that failed; a suite that does not end properly has noticed nothing."""
        if "message" in self.faulty.more:
            return 0
        # Some suites look more than once in a try.
        return min(self.faulty.tried, self.faulty.failures + len(self.suite.exceeded(self.faulty)))

    @property
    def has_passed(self) -> bool:
        """Whether nothing failed, and the planted fault was noticed."""
        return not self.has_failed and self.noticed > 0

    def line(self) -> str:
        """One line for the terminal."""
        verdict = "passed" if self.has_passed else "FAILED" if self.has_failed else "FAULT NOT NOTICED"
        seconds = self.record.seconds + self.faulty.seconds
        return f"{self.suite.name}: {verdict}, {self.record.tried:,} tried, {seconds:.0f} s"

    def as_dict(self, commit: str) -> dict[str, Any]:
        """For the JSON file. commit: of the code that was tried."""
        return {
            "name": self.suite.name,
            "what": self.suite.what,
            "passed": self.has_passed,
            "commit": commit,
            **asdict(self.record),
            "limits": dict(self.suite.limits),
            # What the fault did needs no description.
            "planted": {
                "fault": self.suite.fault,
                "noticed": self.noticed,
                **asdict(self.faulty),
                "more": {name: value for name, value in self.faulty.more.items() if name not in DETAILS},
            },
        }


def read_suites(target: Path) -> list[dict[str, Any]]:
    """The suites of the report at `target`, as `write_results` stored them; none without a report."""
    path = target.with_suffix(".json")
    suites: list[dict[str, Any]] = json.loads(path.read_text())["suites"] if path.exists() else []
    return suites


def write_results(target: Path, results: Sequence[Result], seed: int, earlier: Sequence[dict[str, Any]] = ()) -> str:
    """Write both files: `target` and, beside it, the same as JSON; returns the text.

    earlier: suites of an earlier report, for those that were not run now.
    """
    from temper.provenance import commit, package_versions
    from temper.storage.atomic import write_text
    from temper.system.host import describe_host

    host, created = describe_host(), datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    versions = package_versions(*PACKAGES)
    by_name = {each["name"]: each for each in [*earlier, *(each.as_dict(commit() or "unknown") for each in results)]}
    suites = [by_name[each.name] for each in SUITES if each.name in by_name]
    missing = [each.name for each in SUITES if each.name not in by_name]
    report = {
        "created": created, "processor": host.processor, "cores": host.cores, "system": host.system,
        "versions": versions, "seed": seed, "missing": missing, "suites": suites,
    }  # fmt: skip
    # Tracebacks name the folder of the project.
    write_text(target.with_suffix(".json"), json.dumps(report, indent=1).replace(str(ROOT), ".") + "\n")
    minutes = sum(each["seconds"] + each["planted"]["seconds"] for each in suites) / 60
    text = markdown(
        "What was tried to break it",
        f"`make chaos` on {created}; {minutes:.0f} minutes of all suites together, two at a time.",
        "ok: as if nothing had happened, or harmless. refused: an error that names the cause. lost: what was good "
        "before is gone or damaged. wrong, silent: another result than the right one, with and without an error or a "
        "mark. traceback: an error that looks like a bug. crash: a process ended that had to go on. hang: no end in "
        "time. planted fault noticed: how many tries failed with a fault that was planted in Temper: the suite would "
        "notice one. commit: of the code that was tried.",
        _table(suites),
        "\n".join(f"* {line}" for each in suites for line in _further(each)),
        f"Not run: {', '.join(missing)}." if missing else "All suites were run.",
        describe_machine(PACKAGES),
    )
    write_text(target, text)
    return text


def _table(suites: Sequence[dict[str, Any]]) -> Table:
    rows = [
        (
            each["name"], each["what"], *(f"{each[name]:,}" for name in COUNTS), f"{each['seconds']:.0f}",
            f"{each['planted']['noticed']:,} of {each['planted']['tried']:,}", each["commit"],
        )
        for each in suites
    ]  # fmt: skip
    headings = ("suite", "what", *COUNTS, "seconds", "planted fault noticed", "commit")
    return Table(headings=headings, rows=rows, right=frozenset(range(2, len(headings) - 1)))


def _further(suite: dict[str, Any]) -> list[str]:
    """A line with the other counts, if there are any."""
    limits = suite["limits"]
    counts = [
        f"{name} {value}" + (f" (at most {limits[name]:g})" if name in limits else "")
        for name, value in suite["more"].items()
        if name not in DETAILS
    ]
    return [f"{suite['name']}: {', '.join(counts)}."] if counts else []
