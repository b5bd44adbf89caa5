"""Train an image classifier on labeled images: writes model.keras, its card, its split, a model card and charts.

  python train/run.py --data photos                      train a head on a frozen ResNet50 with ImageNet's weights
  python train/run.py --data photos --head lbfgs         compute the optimum of a linear head instead of training it
  python train/run.py --data photos --fine-tune 5        then fine-tune the top blocks of the backbone for 5 epochs
  python train/run.py --data photos --trainable all      train every layer
  python train/run.py --data photos --weights none       train every layer from scratch, on small images
  python train/run.py --data photos --backbone mobilenetv3small --trainable all --teacher artifacts/large.keras
                                                         learn from the predictions of a larger network too
  python train/run.py --data photos --lr-range-test      suggest a learning rate, then stop

FOLDER holds one folder of images for each label, or train/ and test/ with these folders in each of them.
A training that was interrupted, by Ctrl-C or by a crash, continues with --resume.
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

from temper.cli.console import CommandParser, add_verbosity_options
from temper.cli.entry_point import run_command
from temper.exit_codes import ExitCode
from temper.system.quiet import quiet_stderr
from train.cli_options import add_options, check_options


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    words = sys.argv[1:] if arguments is None else arguments
    parser = CommandParser(
        prog="python train/run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--help-all", action="help", help="show all options and exit")
    add_verbosity_options(parser)
    add_options(parser, show_all="--help-all" in words)
    return parser.parse_args(words)


def run(options: argparse.Namespace) -> int:
    """Train, unless the model is up to date; returns the exit code."""
    check_options(options)
    from temper.dataset.find import find_examples
    from train.dataset.leaks import check_leaks

    examples = find_examples(options.data, options.held_out_fraction, options.seed)
    if not options.accept_leaks:
        check_leaks(examples, options.data)
    # TensorFlow takes seconds to import: mistakes in the options and in the dataset are reported before.
    with quiet_stderr():
        from train.command import run_training

    if results := run_training(options, examples):
        print(results)
    return ExitCode.OK


if __name__ == "__main__":
    run_command(parse, run)
