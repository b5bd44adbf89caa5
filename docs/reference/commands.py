"""The page of all commands with all options, from their parsers."""

import argparse
import re
import textwrap

from docs.reference.markdown import code, sentence, table
from docs.reference.parsers import all_parsers, commands_of

INTRODUCTION = """# Commands

Every command with every option, as `--help-all` (or `--help`, where it shows all) prints them. In a clone, the commands
of `temper` are those of `python infer/run.py`. `make` lists shorter forms of the common ones. Results go to stdout,
messages to stderr; [Errors and messages](messages.md) has the exit codes.
"""
# Every command has these.
COMMON = ("-h", "--help-all", "-v", "-q")


def page() -> str:
    """The page as Markdown."""
    common = "`-v` shows details, `-q` warnings and errors only: every command has them.\n"
    return "\n".join([INTRODUCTION, common, *map(section, all_parsers())])


def section(parser: argparse.ArgumentParser) -> str:
    """A command: how it is called, what it does, its arguments and options in their groups."""
    parts = [f"## {parser.prog}", f"```\n{usage(parser)}\n```", description(parser)]
    if commands := commands_of(parser):
        parts.append(table(["command", "what it does"], [[code(name), sentence(commands[name])] for name in commands]))
    for group in parser._action_groups:
        if rows := [row(parser, each) for each in group._group_actions if is_listed(each)]:
            title = "" if group.title in ("positional arguments", "options") else f"**{group.title}**\n\n"
            parts.append(title + table([heading(rows), "meaning"], rows))
    return "\n\n".join(filter(None, parts)) + "\n"


def usage(parser: argparse.ArgumentParser) -> str:
    """The command with its required options and its arguments, in one line."""
    required = [f"{each.option_strings[-1]} {value_of(each)}" for each in parser._actions if is_required(each)]
    arguments = [positional(each) for each in parser._actions if not each.option_strings]
    return " ".join([parser.prog, *required, "[options]", *arguments])


def description(parser: argparse.ArgumentParser) -> str:
    """What the help says first; a paragraph of indented lines, or of commands, is code."""
    text = textwrap.dedent((parser.description or "").replace("%(prog)s", parser.prog))
    return "\n\n".join(map(_paragraph, text.strip("\n").split("\n\n")))


def _paragraph(text: str) -> str:
    is_code = all(line.startswith((" ", "temper ")) for line in text.splitlines())
    return f"```\n{textwrap.dedent(text)}\n```" if is_code else text


def row(parser: argparse.ArgumentParser, action: argparse.Action) -> list[str]:
    """An option or an argument, and its help."""
    names = [" ".join(filter(None, [flag, value_of(action)])) for flag in action.option_strings[-1:]]
    shown = [*action.option_strings[:-1], *names] or [positional(action)]
    text = parser._get_formatter()._expand_help(action) if action.help else ""
    return [", ".join(map(code, shown)), sentence(re.sub(r"\s+", " ", text))]


def heading(rows: list[list[str]]) -> str:
    """What the first column of a table contains."""
    kinds = ["option" if each[0].startswith("`-") else "argument" for each in rows]
    return ", ".join(sorted(set(kinds)))


def value_of(action: argparse.Action) -> str:
    """The name of an option's value in the help; empty for a switch."""
    if action.nargs == 0:
        return ""
    name = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    one = " ".join(name) if isinstance(name, tuple) else name
    return f"{one} …" if action.nargs in ("+", "*") else one


def positional(action: argparse.Action) -> str:
    """An argument without a flag, as in the usage."""
    if isinstance(action, argparse._SubParsersAction):
        return "COMMAND"
    name = str(action.metavar or action.dest)
    return {"?": f"[{name}]", "*": f"[{name} …]", "+": f"{name} …"}.get(str(action.nargs), name)


def is_required(action: argparse.Action) -> bool:
    """Whether it is an option that must be given."""
    return bool(action.option_strings) and action.required


def is_listed(action: argparse.Action) -> bool:
    """Whether the table of its group shows it."""
    is_common = any(flag in COMMON for flag in action.option_strings)
    return not is_common and not isinstance(action, argparse._SubParsersAction) and action.help != argparse.SUPPRESS
