"""Which artifact of a folder is used."""

from temper.choose.best import choose, choose_verified

__all__ = ["choose", "choose_verified"]
