"""What the exit code of a command means."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command; docs/troubleshooting.md explains each."""

    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    DATA = 3
    ARTIFACT = 4
    MACHINE = 5
    RESOURCES = 6
    QUALITY = 7
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143
