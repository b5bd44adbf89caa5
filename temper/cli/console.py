"""Where text goes: results to stdout, messages to stderr."""

import argparse
import logging
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from temper.escaping import stored_name, visible
from temper.exit_codes import ExitCode

if TYPE_CHECKING:
    from rich.console import Console

# argparse reads `--option=--` as an empty list.
EMPTY_VALUE = re.compile("--[a-z][a-z0-9-]*=(--)?")
LOGGER = logging.getLogger("temper")


@lru_cache(maxsize=1)
def stderr_console() -> "Console":
    """The console that messages and progress share, so that neither overwrites the other.

    It writes to the current sys.stderr, and changes no text: a file name may resemble markup or an emoji code.
    """
    # Only with the first message: its import takes longer than all else that a command imports by itself.
    from rich.console import Console

    # FORCE_COLOR, which Jupyter and build servers set, asks rich for more than colors: for bars that move the cursor.
    # Python has no stderr where it was closed before the start.
    force_terminal = None if sys.stderr and sys.stderr.isatty() else False
    return Console(
        stderr=True, force_terminal=force_terminal, highlight=False, markup=False, emoji=False, soft_wrap=True
    )


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


class CommandParser(argparse.ArgumentParser):
    """A parser whose errors are one line with a remedy; with --json, also an object on stdout.

    An empty word is an error: a path of no characters would be the current folder.
    """

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does."""
        if any(not word or EMPTY_VALUE.fullmatch(word) for word in (sys.argv[1:] if args is None else args)):
            self.error("an argument is empty, as from a variable that is not set; expected a value")
        return super().parse_known_args(args, namespace)

    def print_help(self, file: Any = None) -> None:
        """Print the help; argparse itself would ignore that the disk is full."""
        print(self.format_help(), end="", file=file or sys.stdout)

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        fix = f"See `{self.prog} --help`."
        if wants_json():
            print_json_error(message, fix, ExitCode.USAGE)
        self.exit(ExitCode.USAGE, f"error: {message}. {fix}\n")


def wants_json() -> bool:
    """Whether the command line asks for JSON; for errors that occur before it is parsed."""
    return "--json" in sys.argv[1:]


def print_json_error(what: str, fix: str, code: int, details: Mapping[str, object] | None = None) -> None:
    """Print the object of an error to stdout: {**details, "error": {"what": …, "fix": …, "code": …}}.

    A name that is not UTF-8 is written as temper.escaping.stored_name does; the object is ASCII, for any encoding.
    """
    import json

    error = {"what": stored_name(what), "fix": stored_name(fix), "code": int(code)}
    print(json.dumps({**(details or {}), "error": error}), flush=True)
