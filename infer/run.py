"""Use a trained classifier: the commands of `temper`, run from a clone.

    python infer/run.py --engine artifacts/model.int8.onnx cat.jpg
    python infer/run.py selftest artifacts/model.int8.plan
    python infer/run.py doctor artifacts/model.int8.plan
    python infer/run.py inspect artifacts/model.int8.plan

The command `classify` may be left out.
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
from pathlib import Path

from temper.cli import main
from temper.cli.entry_point import run_command


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; `classify` is the command when none is named."""
    words = sys.argv[1:] if arguments is None else arguments
    named = words[:1] and (words[0] in (*main.COMMANDS, "-h", "--help", "--version") or _is_misspelled(words))
    return main.parse(words if named else ["classify", *words], "python infer/run.py", __doc__)


def _is_misspelled(words: list[str]) -> bool:
    """True when the first word can only be meant as a command: a plain word that is no file, without --engine."""
    is_image = not words[0].isalpha() or Path(words[0]).exists()
    return not is_image and not any(word.startswith("--engine") for word in words)


if __name__ == "__main__":
    run_command(parse, main.run, writes_artifacts=False)
