"""The parsers of all commands, as they are when they print their complete help."""

import argparse
import importlib
from collections.abc import Callable
from unittest import mock

from temper.cli.console import CommandParser

Parse = Callable[[list[str]], argparse.Namespace]
# The module of each command line. infer/run.py has the commands of temper, and its own name for them.
MODULES = ("temper.cli.main", "data.run", "train.run", "convert.run", "choose.run", "benchmarks.run")
# Commands that no parser lists: their module parses them separately.
SEPARATE = {"convert.run": ["adopt"]}


def all_parsers() -> list[CommandParser]:
    """One parser for each command, each after the one that it is a command of."""
    parsers = []
    for module in MODULES:
        parse: Parse = importlib.import_module(module).parse
        top = parser_of(parse, [])
        names = [*commands_of(top), *SEPARATE.get(module, [])]
        parsers += [top, *(parser_of(parse, [name]) for name in names)]
    return parsers


def parser_of(parse: Parse, words: list[str]) -> CommandParser:
    """The parser that prints the help of a command, with the rare options where it has some."""
    plain = _that_prints(parse, [*words, "--help"])
    has_rare = "--help-all" in plain._option_string_actions
    return _that_prints(parse, [*words, "--help-all"]) if has_rare else plain


def commands_of(parser: argparse.ArgumentParser) -> dict[str, str]:
    """The commands that a parser lists, with their help."""
    lists = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    return {str(each.dest): each.help or "" for one in lists for each in one._get_subactions()}


def _that_prints(parse: Parse, words: list[str]) -> CommandParser:
    printing: list[CommandParser] = []
    with mock.patch.object(CommandParser, "print_help", lambda self, file=None: printing.append(self)):
        try:
            parse(words)
        except SystemExit:
            return printing[0]
    raise RuntimeError(f"{words} printed no help")
