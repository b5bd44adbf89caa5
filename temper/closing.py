"""Closing: what holds a runtime, a device or a terminal is a context manager that closes itself."""

from typing import TypeVar

Self = TypeVar("Self", bound="Closing")


class Closing:
    """A context manager whose `close` is called at the end of the `with` block.

    >>> with Closing() as opened:
    ...     opened.close()
    """

    def close(self) -> None:
        """Release what is held; by default nothing is."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
