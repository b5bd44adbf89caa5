"""The page of exit codes, kinds of errors and all their messages, from the source."""

import inspect

from docs.reference.markdown import code, sentence, table
from docs.reference.message_source import INSERTED, KINDS, Message, all_messages
from temper.exit_codes import ExitCode

INTRODUCTION = f"""# Errors and messages

Every message of the commands and of the library that is a sentence of Temper's own, with its remedy, by kind of error.
`{INSERTED}` stands for names and numbers, and for text that is put together while the command runs. What libraries
report, and errors of single options, are not listed. [Troubleshooting](../troubleshooting.md) explains the frequent
ones, and [what each exit code means](../troubleshooting.md#exit-codes).

"""


def page() -> str:
    """The page as Markdown."""
    by_kind: dict[str, list[Message]] = {kind: [] for kind in KINDS}
    for message in all_messages():
        by_kind[message.kind].append(message)
    sections = [section(kind, messages) for kind, messages in by_kind.items()]
    return "\n\n".join([INTRODUCTION + exit_codes(), *sections]) + "\n"


def exit_codes() -> str:
    """The exit codes with the errors that end a command with them."""
    rows = [[str(each.value), code(each.name), ", ".join(_links(each)) or "–"] for each in ExitCode]
    return "## Exit codes\n\n" + table(["code", "name", "errors"], rows)


def section(kind: str, messages: list[Message]) -> str:
    """A kind of error: its docstring, and its messages with their remedies."""
    error = KINDS[kind]
    first = inspect.cleandoc(error.__doc__ or "").partition("\n\n")[0]
    rows = [[sentence(each.what), sentence(each.fix) or "–"] for each in messages]
    title = f"## `{kind}`\n\nExit code {int(error.exit_code)}, `{error.exit_code.name}`. {first}"
    return f"{title}\n\n{table(['what happened', 'how to fix it'], rows)}" if rows else title


def _links(code_: ExitCode) -> list[str]:
    return [f"[`{name}`](#{name.lower()})" for name, each in KINDS.items() if each.exit_code == code_]
