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
import importlib
import os
import sys

from temper import __version__
from temper.cli.commands.trust_options import ARTIFACT_OF, add_trust_options, apply_trust_options
from temper.cli.console import CommandParser
from temper.cli.entry_point import run_command
from temper.formats import describe_suffixes

# "module:function" that runs a command. Only the module of the command that is named is imported.
COMMANDS = {
    "classify": "temper.cli.commands.classify:run",
    "selftest": "temper.cli.commands.inspect:run_selftest",
    "doctor": "temper.cli.commands.inspect:run_doctor",
    "inspect": "temper.cli.commands.inspect:run_inspect",
    "serve": "temper.cli.commands.serve:run",
    "sign": "temper.cli.commands.sign:run_sign",
    "verify": "temper.cli.commands.sign:run_verify",
    "trustkey": "temper.cli.commands.sign:run_trust_key",
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
    words = sys.argv[1:] if arguments is None else arguments
    named = [COMMANDS[words[0]]] if words and words[0] in COMMANDS else COMMANDS.values()
    for module in dict.fromkeys(each.partition(":")[0] for each in named):
        importlib.import_module(module).add_parsers(commands)
    for name in (set(ARTIFACT_OF) - {"verify"}) & set(commands.choices):
        add_trust_options(commands.choices[name])
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        parser.error(f"unknown command {words[0]!r}; expected one of {', '.join(COMMANDS)}")
    return parser.parse_args(words)


def run(options: argparse.Namespace) -> int:
    """Run the chosen command; returns its exit code."""
    # No command computes with numpy's BLAS. Its threads would spin for 30 ms of CPU time when numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if options.command in ARTIFACT_OF:
        apply_trust_options(options)
    module, function = COMMANDS[options.command].split(":")
    code: int = getattr(importlib.import_module(module), function)(options)
    return code


def main() -> None:
    """The console command `temper`."""
    run_command(parse, run, writes_artifacts=False)
