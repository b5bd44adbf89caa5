"""From an artifact to its runner."""

import importlib

from temper.artifact import Artifact
from temper.errors import MissingRuntime
from temper.runners.base import Runner


def open_runner(artifact: Artifact, mode: str = "") -> Runner:
    """Check an artifact against its card and load it into the runner of its format; `mode` is one of the format's.

    Raises ArtifactError for a missing or damaged artifact, MissingRuntime when its library or device is not on this
    machine.
    """
    return load_runner(artifact.verified(), mode)


def load_runner(artifact: Artifact, mode: str = "") -> Runner:
    """Load an artifact that was just made or checked. Raises MissingRuntime as `open_runner` does."""
    module, name = artifact.format.runner.split(":")
    try:
        runner: type[Runner] = getattr(importlib.import_module(module), name)
        return runner(artifact, mode)
    except ModuleNotFoundError as error:
        raise MissingRuntime(
            f"{artifact.path} is run by {artifact.format.title}, which is not installed here ({error})",
            fix=f"Install it:\n    {artifact.format.install}",
        ) from None
