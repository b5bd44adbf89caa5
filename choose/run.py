"""Choose a network: train a head on several backbones and input sizes, convert, measure all side by side.

    python choose/run.py --data photos --backbones resnet50 efficientnetlite0 --sizes 160 224
    python choose/run.py --data photos --weights resnet50=resnet50.weights.h5 --max-ms 5
    python choose/run.py --data photos --min-accuracy 97 --max-mb 10

The fastest artifact within all limits is chosen, on validation images alone. The test images, on which nothing was
chosen, show what it is worth. What is finished is used again: after Ctrl-C the same command goes on, and other limits
take seconds. A network that cannot be trained or converted is a line of the report with its reason.
--help-all shows all options. Results are written to stdout, messages to stderr.
"""

import os
import sys

if not __package__:
    # Without pathlib, whose import takes longer than all before the next statement.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
if __name__ == "__main__":
    # Before the other imports: a signal in the middle of them ends the command with one line.
    from temper.system.early_signals import exit_at_signals

    exit_at_signals()

import argparse
import logging
import shlex
from typing import TYPE_CHECKING

from choose.options import add_options, networks_of
from choose.rule import Limits
from temper.cli.console import CommandParser, add_verbosity_options
from temper.cli.entry_point import run_command
from temper.cli.options import add_help_all
from temper.errors import UserError
from temper.exit_codes import ExitCode

if TYPE_CHECKING:
    from choose.prepare import Prepared, Training
    from choose.records import Measurement

LOGGER = logging.getLogger("temper.choose")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python choose/run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_help_all(parser)
    add_verbosity_options(parser)
    add_options(parser)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Prepare and measure all networks, choose, and write the report; returns the exit code."""
    networks = networks_of(options)
    limits = Limits(
        max_ms=options.max_ms,
        min_images_per_second=options.min_images_per_second,
        max_megabytes=options.max_mb,
        max_loss=options.max_loss,
        min_accuracy=options.min_accuracy,
    )
    from choose.measure import check_baseline
    from choose.prepare import Training, expected_names, prepare
    from choose.rendering.words import terminal_text
    from choose.report import JSON, decide, write_files
    from temper.dataset.find import find_examples
    from train.cli_options import check_writable
    from train.dataset.leaks import check_leaks

    check_baseline(options.baseline, expected_names(networks, options.precisions))
    check_writable(options.out / JSON)
    training = Training(
        data=options.data,
        examples=find_examples(options.data, options.held_out_fraction, options.seed),
        words=_words_for_training(options),
    )
    if not options.accept_leaks:
        check_leaks(training.examples, options.data)
    prepared = prepare(networks, training, options.precisions)
    measurement = _measurement(options, training, prepared)
    report = decide(measurement, prepared.failures, limits, shlex.join(["python", "choose/run.py", *sys.argv[1:]]))
    write_files(report, options.out)
    print(terminal_text(report, options.out))
    if report.chosen:
        return ExitCode.OK
    LOGGER.warning(
        "no artifact is within the limits. Run the same command with other limits, or with other backbones and sizes: "
        "what is finished is used again"
    )
    return ExitCode.SOME_FAILED


def _words_for_training(options: argparse.Namespace) -> list[str]:
    words = ["--seed", str(options.seed), "--held-out-fraction", str(options.held_out_fraction)]
    flags = {"--accept-leaks": options.accept_leaks, "--quiet": options.quiet, "--verbose": options.verbose}
    return words + [flag for flag, is_given in flags.items() if is_given]


def _measurement(options: argparse.Namespace, training: "Training", prepared: "Prepared") -> "Measurement":
    """That of the last report, if it is of the same artifacts on this machine; a new one otherwise."""
    from choose.measure import MeasurementSettings, measure
    from choose.report import stored_measurement
    from temper.cli.progress import ProgressDisplay

    if not prepared.artifacts:
        reasons = "\n".join(f"{each.name}: {each.reason}" for each in prepared.failures)
        raise UserError(f"no network could be trained and converted:\n{reasons}")
    settings = MeasurementSettings(
        seconds=options.seconds, max_images=options.max_images, data=options.data, baseline=options.baseline
    )
    stored = None if options.measure_again else stored_measurement(options.out, prepared.artifacts, settings)
    if stored:
        LOGGER.info("the measurement of %s is used; --measure-again repeats it", stored.created)
        return stored
    with ProgressDisplay() as progress:
        return measure(prepared.artifacts, settings, progress)


if __name__ == "__main__":
    run_command(parse, run)
