"""Python's search for objects that refer to each other in a circle."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def paused_collection() -> Iterator[None]:
    """Search for no garbage inside the block: imports make none, and the search takes 4 % of the time to a label."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
