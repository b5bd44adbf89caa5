"""What a suite counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

# Of a record, in the order of the report.
COUNTS = ("tried", "ok", "refused", "lost", "wrong", "silent", "traceback", "crash", "hang")


@dataclass(kw_only=True)
class Record:
    """How often something was tried, and how it ended.

    ok: as if nothing had happened, or harmless. refused: an error that names the cause. lost: what was good before is
    gone or damaged. wrong: a result that differs from the right one, with an error or a mark. silent: the same without.
    traceback: an error that looks like a bug. crash: a signal ended a process that had to go on. hang: no end in time.
    more: other counts, by name.
    """

    tried: int = 0
    ok: int = 0
    refused: int = 0
    lost: int = 0
    wrong: int = 0
    silent: int = 0
    traceback: int = 0
    crash: int = 0
    hang: int = 0
    seconds: float = 0.0
    more: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, counts: "Mapping[str, Any] | Record") -> "Record":
        """A record of counts by name; names that it does not have go to `more`."""
        if isinstance(counts, Record):
            return counts
        known = {each.name for each in fields(cls)} - {"more"}
        others = {name: value for name, value in counts.items() if name not in known and name != "more"}
        own = {name: value for name, value in counts.items() if name in known}
        return cls(**own, more={**others, **counts.get("more", {})})

    @property
    def failures(self) -> int:
        """All that must not happen."""
        return self.lost + self.wrong + self.silent + self.traceback + self.crash + self.hang

    def count_of(self, name: str) -> float:
        """A count of any name; 0 for one that does not occur."""
        number: float = getattr(self, name) if name in COUNTS else self.more.get(name, 0)
        return number

    def add(self, outcome: str) -> None:
        """Count one try with its outcome: the name of a field."""
        self.tried += 1
        setattr(self, outcome, getattr(self, outcome) + 1)

    def explain(self, text: str) -> None:
        """Keep the text of a failure, for the JSON file."""
        self.more.setdefault("examples", []).append(text)

    def note(self, name: str, number: int = 1) -> None:
        """Add to another count."""
        self.more[name] = self.more.get(name, 0) + number
