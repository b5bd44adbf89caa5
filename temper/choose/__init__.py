"""Which artifact of a folder is used."""

from temper.choose.best import choose

__all__ = ["choose"]
