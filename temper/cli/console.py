"""Where text goes: results to stdout, messages to stderr."""

import argparse
import logging
from functools import lru_cache

from rich.console import Console

from temper.escaping import visible

LOGGER = logging.getLogger("temper")


@lru_cache(maxsize=1)
def stderr_console() -> Console:
    """The console that messages and progress share, so that neither overwrites the other.

    It writes to the current sys.stderr, and changes no text: a file name may resemble markup or an emoji code.
    """
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


class ConsoleHandler(logging.Handler):
    """Writes log messages to the shared console, warnings with their level."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one message on a line of its own; codes that a terminal would obey are written as escapes."""
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        stderr_console().print(f"{level}{visible(self.format(record), allowed=chr(10))}")


def add_verbosity_options(parser: argparse.ArgumentParser) -> None:
    """Add -v and -q, which every command has."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("-v", "--verbose", action="store_true", help="also show details, such as the error of a library")
    group.add_argument("-q", "--quiet", action="store_true", help="show warnings and errors only")


def configure_logging(options: argparse.Namespace) -> None:
    """Send log messages of this project to stderr, at the level that -v and -q set."""
    LOGGER.handlers = [ConsoleHandler()]
    LOGGER.propagate = False
    quiet, verbose = getattr(options, "quiet", False), getattr(options, "verbose", False)
    LOGGER.setLevel(logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO)
