"""Command-line options that are generated from the fields of dataclasses."""

import argparse
import dataclasses
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temper.dataset.image_files import MAX_PIXELS, MAX_PIXELS_OF_PILLOW
from temper.errors import UsageError

if TYPE_CHECKING:
    from temper.images import Decoding

METAVARS: dict[type, str] = {int: "N", float: "FRACTION"}
Field = dataclasses.Field[Any]


@dataclass(frozen=True, kw_only=True)
class Option:
    """How a field appears on the command line.

    group: heading in the help. metavar: name of the value in the help. limits: smallest and largest allowed number.
    choices: allowed words. is_common: whether plain --help shows it; --help-all shows every option.
    """

    group: str
    help: str
    metavar: str | None = None
    limits: tuple[float, float] | None = None
    choices: Collection[str] | None = None
    is_common: bool = False


def option(default: Any, group: str, help: str, **details: Any) -> Any:
    """A dataclass field that is also a command-line option; details: the other fields of Option."""
    return field(default=default, metadata={"option": Option(group=group, help=help, **details)})


def fields_of(*kinds: type) -> list[Field]:
    """The fields of dataclasses that are command-line options."""
    return [each for kind in kinds for each in dataclasses.fields(kind) if "option" in each.metadata]


def add_option(group: Any, each: Field, help_text: str, has_default: bool = True) -> None:
    """Add the option of a field to a group of a parser.

    has_default: whether the option has the default of the field; otherwise it is None when it is not given.
    """
    details: Option = each.metadata["option"]
    default = each.default
    if isinstance(default, bool):
        # A setting that is on by default is switched off by its option.
        name, action = (f"no-{each.name}", "store_false") if default else (each.name, "store_true")
        group.add_argument(flag_of(name), dest=each.name, action=action, help=help_text)
        return
    is_required = default is dataclasses.MISSING
    group.add_argument(
        flag_of(each.name),
        type=Path if is_required or isinstance(default, Path) else type(default),
        required=is_required,
        default=None if is_required or not has_default else default,
        metavar=details.metavar or METAVARS.get(type(default)),
        choices=details.choices,
        help=help_text,
    )


def check_limits(options: argparse.Namespace, fields: Iterable[Field]) -> None:
    """Raise UsageError for a number outside the limits of its field."""
    for each in fields:
        limits, value = each.metadata["option"].limits, getattr(options, each.name)
        if limits and value is not None and not limits[0] <= value <= limits[1]:
            expected = f"Expected a number from {_exact(limits[0])} to {_exact(limits[1])}"
            raise UsageError(f"{flag_of(each.name)} is {_exact(value)}. {expected}")


def _exact(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


def flag_of(name: str) -> str:
    """The option of a field.

    >>> flag_of("learning_rate")
    '--learning-rate'
    """
    return f"--{name.replace('_', '-')}"


class _HelpAll(argparse.Action):
    """Shows the help with the rare options."""

    def __call__(self, parser: argparse.ArgumentParser, *arguments: Any) -> None:
        for action in parser._actions:
            action.help = getattr(action, "rare_help", action.help)
        parser.print_help()
        parser.exit()


def add_rare_option(group: Any, *flags: str, help: str, **details: Any) -> None:
    """Add an option that --help-all shows, and --help does not."""
    group.add_argument(*flags, help=argparse.SUPPRESS, **details).rare_help = help


def add_help_all(parser: argparse.ArgumentParser) -> None:
    """Add --help-all to a command with rare options."""
    parser.add_argument("--help-all", action=_HelpAll, nargs=0, help="show all options and exit")


def add_decoding_options(group: Any) -> None:
    """Add --full-decode and, as a rare option, --max-pixels."""
    text = "decode large JPEG files at their full scale: several times as slow, and a few labels differ"
    group.add_argument("--full-decode", action="store_true", help=text)
    text = f"refuse an image with more pixels before it is decoded (default: {MAX_PIXELS})"
    add_rare_option(group, "--max-pixels", type=whole_number(1, MAX_PIXELS_OF_PILLOW), metavar="N", help=text)


def decoding_of(options: argparse.Namespace) -> "Decoding":
    """What the options of `add_decoding_options` say."""
    from temper.images import Decoding

    return Decoding(full=options.full_decode, max_pixels=options.max_pixels or MAX_PIXELS)


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """A type of an option: a number in a range.

    >>> whole_number(1, 9)("7")
    7
    """

    def convert(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {high}, got {text!r}")
        return int(text)

    return convert
