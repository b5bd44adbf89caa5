"""Hides what native libraries write to stderr when they start; errors are never hidden."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Withhold what is written to file descriptor 2, by native code too; it is written when the block raises.

    TensorFlow reports on every import that oneDNN is on and CUDA is missing, and no setting silences it.
    """
    try:
        stderr = os.dup(2)
    except OSError:
        # It is closed: nothing is shown anyway.
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as withheld:
        os.dup2(withheld.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(stderr, 2)
            withheld.seek(0)
            os.write(2, withheld.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
