"""How often something was tried, and how it ended."""

import time
from collections.abc import Callable
from typing import Any

from temper.errors import UserError

# ok: harmless, the result is the right one. refused: one message. silent: another result without a message.
OUTCOMES = ("ok", "refused", "silent", "traceback", "crash")


class Outcomes:
    """Counts of one suite. examples: the first error of each kind that should not occur."""

    def __init__(self) -> None:
        self._counts: dict[str, Any] = dict.fromkeys(OUTCOMES, 0)
        self._started = time.perf_counter()
        self.examples: list[str] = []

    def add(self, outcome: str, number: int = 1) -> None:
        """Count tries with an outcome."""
        self._counts[outcome] += number

    def attempt(self, is_right: Callable[[], bool], what: str = "") -> str:
        """Call a function that uses something damaged; False means that its result is wrong. Returns the outcome."""
        try:
            outcome = "ok" if is_right() else "silent"
        except UserError:
            outcome = "refused"
        # Any other error is what this looks for.
        except Exception as error:
            outcome = "traceback"
            self.examples.append(f"{what}: {type(error).__name__}: {error}"[:300])
        if outcome == "silent":
            self.examples.append(f"{what}: silent")
        self.add(outcome)
        return outcome

    def as_dict(self) -> dict[str, Any]:
        """tried, one number for each of OUTCOMES, seconds, and examples of what should not occur."""
        tried = sum(self._counts.values())
        seconds = round(time.perf_counter() - self._started, 1)
        return {"tried": tried, **self._counts, "seconds": seconds, "examples": self.examples[:5]}
