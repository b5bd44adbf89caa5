"""Guards of the library that are switched off, to show that a suite would notice it."""

import contextlib
from collections.abc import Iterator, Mapping
from unittest import mock

from experiments.chaos.commands.workspace import Workspace
from experiments.chaos.planted import CONCEALED, REACHING, UNDECODED, UNEXPLAINED, UNREFUSED, planted
from experiments.serving import running

# Enough to notice a fault that all commands have.
COMMANDS = ("classify --json", "selftest", "draw")
PLANTING = "from experiments.chaos.faulty import plant; plant(); "


def unchecked() -> contextlib.AbstractContextManager[object]:
    """Load files whatever the checksum in their card is."""
    return mock.patch("temper.artifact.Artifact._compare", lambda *_: None)


def unsealed() -> contextlib.AbstractContextManager[object]:
    """Read cards whatever their own checksum is."""
    return mock.patch("temper.card.files.sealed", lambda fields: fields)


def unvalidated() -> contextlib.AbstractContextManager[object]:
    """Let the errors of a card's wrong fields pass as they are."""
    return mock.patch("temper.card.files.INVALID", ())


@contextlib.contextmanager
def unguarded() -> Iterator[None]:
    """Open any ONNX file, and take anything for probabilities."""
    with (
        mock.patch("temper.runners.onnxruntime.check_onnx", lambda *_: None),
        mock.patch("temper.runners.base.check_predictions", lambda *_: None),
    ):
        yield


def unanswered() -> contextlib.AbstractContextManager[object]:
    """Take every error of a user for a bug."""
    return mock.patch("temper.cli.entry_point.UserError", ())


def unexplained() -> contextlib.AbstractContextManager[None]:
    """Let the errors of runtimes pass as they are, in child processes."""
    return planted(UNEXPLAINED)


def unrefused() -> contextlib.AbstractContextManager[None]:
    """Let the errors of image decoders pass as they are, in child processes."""
    return planted(UNREFUSED)


def undecoded() -> contextlib.AbstractContextManager[None]:
    """Inspect images without decoding them, in child processes."""
    return planted(UNDECODED)


@contextlib.contextmanager
def unrefused_by_server() -> Iterator[None]:
    """Let the errors of image decoders pass as they are, in a server."""
    with planted(UNREFUSED), mock.patch.object(running, "START", PLANTING + running.START):
        yield


@contextlib.contextmanager
def concealed() -> Iterator[None]:
    """End interrupted commands with exit code 1; only some of them are tried."""
    with _few_commands("interrupts"), planted(CONCEALED):
        yield


@contextlib.contextmanager
def reaching() -> Iterator[None]:
    """Let every command choose a route to an address of no machine, which sends nothing; only some are tried."""
    with _few_commands("network"), planted(REACHING):
        yield


@contextlib.contextmanager
def _few_commands(suite: str) -> Iterator[None]:
    from experiments.chaos.commands import workspace

    original = workspace.command_lines

    def few(made: Workspace) -> Mapping[str, list[str]]:
        return {name: words for name, words in original(made).items() if name in COMMANDS}

    with mock.patch(f"experiments.chaos.commands.{suite}.command_lines", few):
        yield
