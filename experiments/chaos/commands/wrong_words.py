"""Faults of a command line: what a person, a script or an attacker may write in place of the right words.

Each takes words that work, the parser of the command, and a source of random numbers; it returns the changed words, and
whether they certainly mean nothing.
"""

import argparse
import os
import random
from pathlib import Path

NUMBERS = ("abc", "", "-1", "0", "nan", "inf", "1e999", "9" * 40, "0x10", "1_0", "１", "1,5", "--", "1 2", "\udcff")
PATHS = (
    "", "missing.onnx", "missing.keras", "/proc/x", "/dev/zero", "/dev/full", "n" * 300, "text.txt/below", "fifo.jpg",
    "text.txt", "empty", "a\nb", "\udcff.png", "~", "loop", "deep.json", "x.engine", "secret", "images/*.nothing", "-",
)  # fmt: skip
WORDS = (
    "",
    "abc",
    "-1",
    "a=b=c",
    "http://",
    "ftp://127.0.0.1/x",
    "http://[::1",
    "http://exa mple/x",
    "9" * 400,
    "ray://x",
)


def unknown_option(words: list[str], parser: argparse.ArgumentParser, rng: random.Random) -> tuple[list[str], bool]:
    """An option with a typing error."""
    option = rng.choice([each for action in parser._actions for each in action.option_strings if each.startswith("--")])
    place = rng.randrange(2, len(option))
    return [*words, f"{option[:place]}{rng.choice('qxz')}{option[place:]}"], True


def bad_value(words: list[str], parser: argparse.ArgumentParser, rng: random.Random) -> tuple[list[str], bool]:
    """A value of a wrong type, without a sense, or none."""
    actions = [action for action in parser._actions if action.option_strings and action.nargs != 0]
    if not actions:
        return [*words, "--top-k", "1"], True
    action = rng.choice(actions)
    is_number = action.type not in (None, Path) and not action.choices
    value = rng.choice(PATHS if action.type is Path else NUMBERS if is_number else WORDS)
    option = action.option_strings[-1]
    return [*words, f"{option}={value}"], not value or (is_number and value == "abc")


def bad_path(words: list[str], parser: argparse.ArgumentParser, rng: random.Random) -> tuple[list[str], bool]:
    """Another path: missing, a device, a folder, a pipe, too long, without permission."""
    places = [index for index, word in enumerate(words) if os.sep in word or "." in word]
    if not places:
        return [*words, rng.choice(PATHS)], False
    changed, value = list(words), rng.choice(PATHS)
    changed[rng.choice(places)] = value
    return changed, False


def missing(words: list[str], parser: argparse.ArgumentParser, rng: random.Random) -> tuple[list[str], bool]:
    """One word is not there."""
    index = rng.randrange(len(words))
    return words[:index] + words[index + 1 :], False


def surplus(words: list[str], parser: argparse.ArgumentParser, rng: random.Random) -> tuple[list[str], bool]:
    """Two words too many."""
    return [*words, rng.choice((*PATHS, *WORDS)), rng.choice(PATHS)], False


# Those that remove or replace words come first.
FAULTS = (missing, bad_path, surplus, bad_value, unknown_option)
