"""Errors that a user can fix. Any other exception is a bug: it shows its traceback, with exit code 70.

UserError                    exit code 1
├── UsageError               2: options that contradict each other
├── DataError                3: a dataset that cannot be used
│   └── UnreadableImage         one image; the others are still processed
├── ArtifactError            4: an artifact or its card is missing, damaged or not what was expected
├── IncompatibleMachine      5: the artifact does not run, or cannot be built, on this machine
│   └── MissingRuntime          a library or a device is not installed
├── ResourceError            6: out of disk space or memory, or no permission
└── QualityError             7: the accuracy gate or the self-test failed
    └── InvalidPredictions      a network gives values that are no probabilities

A message says what happened, what was expected, and how to fix it.
"""

from pathlib import Path

from temper.exit_codes import ExitCode


class UserError(Exception):
    """A mistake or a circumstance that the user can fix; shown without a traceback.

    what: what happened and what was expected, one or more sentences without the last full stop.
    fix: how to fix it; a command stands on a line of its own, indented.
    details: what --json prints beside the error.

    >>> str(UserError("model.plan does not exist", fix="Check the path."))
    'model.plan does not exist. Check the path.'
    """

    exit_code = ExitCode.SOME_FAILED

    def __init__(self, what: str, *, fix: str = "") -> None:
        super().__init__(what, fix)
        self.what = what
        self.fix = fix
        self.details: dict[str, object] = {}

    def __str__(self) -> str:
        return f"{self.what}. {self.fix}" if self.fix else self.what

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments are lost by Exception's own pickling; child processes send errors back.
        return _restore, (type(self), self.what, self.fix)


class UsageError(UserError):
    """Options that contradict each other, or values that are not allowed."""

    exit_code = ExitCode.USAGE


class DataError(UserError):
    """A dataset that cannot be used: missing, empty, or with contradictions."""

    exit_code = ExitCode.DATA


class UnreadableImage(DataError):
    """A file that cannot be decoded to an image."""


class ArtifactError(UserError):
    """An artifact or its card is missing, damaged, or not the one that was expected."""

    exit_code = ExitCode.ARTIFACT


class IncompatibleMachine(UserError):
    """The artifact was built for another machine."""

    exit_code = ExitCode.MACHINE


class MissingRuntime(IncompatibleMachine):
    """The library or the device that builds or runs a format is not on this machine."""


class ResourceError(UserError):
    """No disk space, no memory or no permission."""

    exit_code = ExitCode.RESOURCES


class QualityError(UserError):
    """The accuracy gate or the self-test failed."""

    exit_code = ExitCode.QUALITY


class InvalidPredictions(QualityError):
    """A network gives values that are no probabilities: NaN, infinite, negative, or with another sum than 1."""


def _restore(kind: type[UserError], what: str, fix: str) -> UserError:
    return kind(what, fix=fix)


def make_again(path: Path) -> str:
    """The last remedy for a file of an artifact: no conversion makes a Keras model.

    >>> make_again(Path("model.keras.json")), make_again(Path("model.int8.onnx"))
    ('train again', 'convert again')
    """
    return "train again" if ".keras" in path.suffixes else "convert again"
