"""Parts of a library that are imported when they are first used, where it does without them."""

import contextlib
import importlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def left_out(module: str, names: tuple[str, ...]) -> Iterator[None]:
    """Inside the block the import of a module fails, as if it were not installed, unless it is imported already.

    Its package must then do without it. names: what the package would have taken from it, and has from now on when it
    is first asked for: other code of this process may need it.
    """
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]
    package = sys.modules[module.partition(".")[0]]

    def get(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")
        try:
            return getattr(importlib.import_module(module), name)
        except ImportError as error:
            # As where the package itself has tried: `hasattr` is False.
            raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}") from error

    # As a function of the module (PEP 562).
    vars(package).setdefault("__getattr__", get)
