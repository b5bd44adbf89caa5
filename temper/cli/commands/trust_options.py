"""Options of all commands that load an artifact: whether it is trusted."""

import argparse
import os
from pathlib import Path
from typing import Any

from temper.errors import UsageError

# Commands with these options, and the name of their argument for artifacts.
ARTIFACT_OF = {"classify": "engine", "selftest": "artifact", "serve": "artifacts", "verify": "artifact"}


class HelpAll(argparse.Action):
    """Shows the help together with options that the plain help leaves out."""

    def __init__(self, option_strings: list[str], dest: str, **named: Any) -> None:
        super().__init__(option_strings, dest=argparse.SUPPRESS, default=argparse.SUPPRESS, nargs=0, **named)
        self._left_out: list[tuple[argparse.Action, str]] = []

    def leave_out(self, action: argparse.Action) -> None:
        """Show an option's help only here."""
        self._left_out.append((action, action.help or ""))
        action.help = argparse.SUPPRESS

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print the help and exit."""
        for action, text in self._left_out:
            action.help = text
        parser.print_help()
        parser.exit()


def add_trust_options(parser: argparse.ArgumentParser) -> None:
    """Add --trust and --require-signature to a command, and --help-all, which shows them."""
    help_all = parser.add_argument("--help-all", action=HelpAll, help="show all options and exit")
    assert isinstance(help_all, HelpAll)
    group = parser.add_argument_group("trust")
    text = "trust this artifact, which can run any code, from now on (temper verify shows where it comes from)"
    help_all.leave_out(group.add_argument("--trust", action="store_true", help=text))
    text = "load nothing without a signature by a trusted key; TEMPER_REQUIRE_SIGNATURE=1 does the same"
    help_all.leave_out(group.add_argument("--require-signature", action="store_true", help=text))


def apply_trust_options(options: argparse.Namespace) -> None:
    """Do what the options of a command say, before it runs.

    Raises UsageError for --trust with a folder of artifacts or with a signature that is required, and on a cluster.
    """
    from temper.artifact import Artifact
    from temper.formats import format_of
    from temper.trust.policy import VARIABLE, is_signature_required, trust_by_hand

    if getattr(options, "ray", None) and (options.trust or options.require_signature):
        fix = f"Set {VARIABLE}=1, or run `temper verify --trust`, on every node."
        raise UsageError("every node of a cluster decides itself what it trusts", fix=fix)
    if options.require_signature:
        # Child processes read it too.
        os.environ[VARIABLE] = "1"
    if not options.trust:
        return
    if is_signature_required():
        raise UsageError("--trust does not replace a signature that is required", fix="Leave one of them out.")
    named = getattr(options, ARTIFACT_OF[options.command])
    paths: list[Path] = named if isinstance(named, list) else [named]
    if folders := [path for path in paths if not format_of(path.name)]:
        raise UsageError(f"--trust is for one artifact, and {folders[0]} is a folder", fix="Name the artifact itself.")
    for path in paths:
        trust_by_hand(Artifact.at(path))
