"""Use a trained classifier: classify images, serve, check artifacts and this machine, sign.

temper classify --engine model.int8.onnx photos/
temper selftest model.int8.plan
temper doctor model.int8.plan
temper inspect model.int8.plan
temper serve model.int8.plan
temper sign model.int8.plan
temper verify model.int8.plan
"""

import argparse
import sys
from collections.abc import Callable

from temper import __version__
from temper.cli.commands import classify, inspect, serve, sign
from temper.cli.commands.trust_options import ARTIFACT_OF, add_trust_options, apply_trust_options
from temper.cli.console import CommandParser
from temper.cli.entry_point import run_command
from temper.formats import describe_suffixes

COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "classify": classify.run,
    "selftest": inspect.run_selftest,
    "doctor": inspect.run_doctor,
    "inspect": inspect.run_inspect,
    "serve": serve.run,
    "sign": sign.run_sign,
    "verify": sign.run_verify,
    "trustkey": sign.run_trust_key,
}


def parse(
    arguments: list[str] | None = None, prog: str = "temper", description: str | None = __doc__
) -> argparse.Namespace:
    """Read the command line of `temper`, or of a program of another name with the same commands."""
    parser = CommandParser(
        prog=prog,
        description=description,
        epilog="COMMAND --help shows the options of a command.\n"
        f"The suffix of an artifact decides which runtime runs it: {describe_suffixes()}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"temper {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    classify.add_parser(commands)
    inspect.add_parsers(commands)
    serve.add_parser(commands)
    sign.add_parsers(commands)
    for name in set(ARTIFACT_OF) - {"verify"}:
        add_trust_options(commands.choices[name])
    words = sys.argv[1:] if arguments is None else arguments
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        parser.error(f"unknown command {words[0]!r}; expected one of {', '.join(COMMANDS)}")
    return parser.parse_args(words)


def run(options: argparse.Namespace) -> int:
    """Run the chosen command; returns its exit code."""
    if options.command in ARTIFACT_OF:
        apply_trust_options(options)
    return COMMANDS[options.command](options)


def main() -> None:
    """The console command `temper`."""
    run_command(parse, run, writes_artifacts=False)
