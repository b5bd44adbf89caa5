"""What a runtime raises for a file that it cannot use, as one sentence: no list of its exceptions is complete."""

import contextlib
from collections.abc import Iterator

from temper.artifact import Artifact
from temper.errors import ArtifactError, ResourceError, UserError

MAX_REASON = 300
# Whatever the type of the exception is.
NO_MEMORY = ("bad_alloc", "bad allocation", "failed to allocate", "out of memory", "resource_exhausted", "oom when")


@contextlib.contextmanager
def explained(artifact: Artifact, what: str) -> Iterator[None]:
    """Turn an exception of a runtime into an ArtifactError. what: "opened" or "run".

    Raises ResourceError where memory is missing; what is a decision of this program, of the system or of Python's
    imports passes unchanged.
    """
    try:
        yield
    except (UserError, ImportError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        title, reason = artifact.format.title, reason_of(error)
        if any(each in f"{type(error).__name__} {error}".lower() for each in NO_MEMORY):
            raise ResourceError(
                f"{artifact.path} cannot be {what} by {title}: out of memory ({reason})", fix="Close other programs."
            ) from error
        fix = "Convert it again." if artifact.format.conversions else "Train it again."
        raise ArtifactError(f"{artifact.path} cannot be {what} by {title}: {reason}", fix=fix) from error


def reason_of(error: BaseException) -> str:
    """The last line with words of an exception's text, on one line: libraries put their call stack first.

    >>> reason_of(RuntimeError("Exception from core.cpp:111:\\nCheck failed\\nUnable to read the model.\\n\\n"))
    'Unable to read the model'
    >>> reason_of(KeyError())
    'KeyError'
    """
    lines = [line.strip() for line in str(error).splitlines() if any(each.isalnum() for each in line)]
    text = lines[-1] if lines else type(error).__name__
    return "".join(each if each.isprintable() else "?" for each in text).rstrip(".")[:MAX_REASON]
