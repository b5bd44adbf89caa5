"""Options of all commands that load an artifact: whether it is trusted."""

import argparse
import os
from pathlib import Path

from temper.cli.options import add_help_all, add_rare_option
from temper.errors import UsageError

# Commands with these options, and the name of their argument for artifacts.
ARTIFACT_OF = {"classify": "engine", "selftest": "artifact", "serve": "artifacts", "verify": "artifact"}


def add_trust_options(parser: argparse.ArgumentParser) -> None:
    """Add --trust and --require-signature to a command, and --help-all, which shows them."""
    group = parser.add_argument_group("trust")
    text = "trust this artifact, which can run any code, from now on (temper verify shows where it comes from)"
    add_rare_option(group, "--trust", action="store_true", help=text)
    text = "load nothing without a signature by a trusted key; TEMPER_REQUIRE_SIGNATURE=1 does the same"
    add_rare_option(group, "--require-signature", action="store_true", help=text)
    add_help_all(parser)


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
