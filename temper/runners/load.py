"""From an artifact to its runner."""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from temper.artifact import Artifact
from temper.errors import ArtifactError, MissingRuntime
from temper.runners.checks.failures import explained
from temper.runners.content import Content
from temper.system import background
from temper.trust.policy import authenticate

if TYPE_CHECKING:
    # It imports numpy, while the artifact is read.
    from temper.runners.base import Runner, Shape


class UncheckedContent(TypeError):
    """A runner that opens what was not checked: a bug."""


def open_runner(
    artifact: Artifact,
    mode: str = "",
    require_signature: bool = False,
    meanwhile: Callable[[], object] | None = None,
) -> "Runner":
    """Check an artifact against its card, and where it comes from, and load it into the runner of its format.

    mode: one of the format's. require_signature: see temper.trust.policy.authenticate. meanwhile: what a thread does
    while the runtime loads the artifact; nobody waits for its end, and its errors are ignored. Raises ArtifactError for
    a missing or damaged artifact, and for a program of unknown origin; MissingRuntime when its library or device is not
    on this machine.
    """
    while True:
        # From here on the card is that of this origin, and the runner checks the bytes that it loads against the card.
        is_authentic = authenticate(artifact, require_signature)
        try:
            return load_runner(artifact, mode, is_authentic, meanwhile)
        except ArtifactError:
            # Another command may have published new files after the card was read.
            if not artifact.reread_card():
                raise


def load_runner(
    artifact: Artifact, mode: str = "", is_authentic: bool = False, meanwhile: Callable[[], object] | None = None
) -> "Runner":
    """Load an artifact that was just made or checked. is_authentic: see Runner; True for what this process has made.

    meanwhile: see open_runner. Raises MissingRuntime as `open_runner` does, ArtifactError for a network that takes or
    gives other shapes than those of its card.
    """
    module, name = artifact.format.runner.split(":")
    # The thread needs the card, which is read in one place.
    _ = artifact.card
    content = Content(artifact)
    content.read_ahead()
    try:
        kind: type[Runner] = getattr(importlib.import_module(module), name)
        if meanwhile:
            background.start(meanwhile)
        with explained(artifact, "opened"):
            runner = kind(artifact, mode, is_authentic, content)
    except ImportError as error:
        # Another ImportError: the library is there, and one of its shared libraries is not, or does not fit.
        problem = "is not installed" if isinstance(error, ModuleNotFoundError) else "cannot be imported"
        raise MissingRuntime(
            f"{artifact.path} is run by {artifact.format.title}, which {problem} here ({str(error).rstrip('.')})",
            fix=f"Install it:\n    {artifact.format.install}",
        ) from None
    try:
        if not runner.content.is_checked:
            raise UncheckedContent(f"{kind.__name__}._load takes nothing from self.content")
        with explained(artifact, "opened"):
            _check_shapes(runner)
    except BaseException:
        runner.close()
        raise
    return runner


def _check_shapes(runner: "Runner") -> None:
    card, shapes = runner.card, runner.shapes()
    if shapes is None:
        return
    expected: tuple[Shape, Shape] = (card.size, card.size, 3), (len(card.labels),)
    for what, shape, of_card in zip(("input", "output"), shapes, expected, strict=True):
        if len(shape) != len(of_card) or any(_is_known(a) and a != b for a, b in zip(shape, of_card, strict=True)):
            raise ArtifactError(
                f"{runner.artifact.path} has {what} shape {list(shape)} for each image, and its card describes "
                f"{list(of_card)}",
                fix="Copy it again with its card, or convert it again.",
            )


def _is_known(length: object) -> bool:
    return isinstance(length, int) and length >= 0
