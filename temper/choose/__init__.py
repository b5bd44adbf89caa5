"""Which artifact of a folder is used."""

from temper.choose.named import choose

__all__ = ["choose"]
