"""Processes that a test has started."""

import time
from pathlib import Path

SECONDS = 10


def has_ended(process: int) -> bool:
    """Whether a process ends within some seconds; one that waits for its parent to notice has ended."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False
