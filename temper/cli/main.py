"""Use a trained classifier: classify images, and check artifacts and this machine.

    temper classify --engine model.int8.onnx photos/
    temper selftest model.int8.plan
    temper doctor model.int8.plan
    temper inspect model.int8.plan

The suffix of an artifact decides which runtime runs it: ONNX Runtime, OpenVINO, TensorRT, TensorFlow or Keras.
"""

import argparse
from collections.abc import Callable

from temper import __version__
from temper.cli import classify, inspect
from temper.cli.entry_point import run_command

COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "classify": classify.run,
    "selftest": inspect.run_selftest,
    "doctor": inspect.run_doctor,
    "inspect": inspect.run_inspect,
}


def parse(
    arguments: list[str] | None = None, prog: str = "temper", description: str | None = __doc__
) -> argparse.Namespace:
    """Read the command line of `temper`, or of a program of another name with the same commands."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog="COMMAND --help shows the options of a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"temper {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    classify.add_parser(commands)
    inspect.add_parsers(commands)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Run the chosen command; returns its exit code."""
    return COMMANDS[options.command](options)


def main() -> None:
    """The console command `temper`."""
    run_command(parse, run)
