"""Folders and files that decide about trust: nobody but this user, and root, may write them."""

import os
import stat
from pathlib import Path

from temper.errors import ResourceError

GROUP_OR_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def make_private(folder: Path) -> Path:
    """Make a folder that this user alone can enter; an existing one is checked. Raises as `check_private` does."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.is_dir():
        folder.mkdir(mode=0o700, exist_ok=True)
    check_private(folder)
    return folder


def check_private(*paths: Path) -> None:
    """Raise ResourceError for a path that another user owns or may write, and for a broken link."""
    if not hasattr(os, "getuid"):
        return
    for path in paths:
        try:
            status = path.stat()
        except OSError as error:
            raise ResourceError(f"{path} cannot be read ({error.strerror})", fix="Remove it, or repair it.") from None
        if status.st_uid not in (0, os.getuid()):
            raise ResourceError(
                f"{path} belongs to another user, so what it says about trust is not read",
                fix=f"Move it away, or make it yours:\n    sudo chown {os.getuid()} {path}",
            )
        if status.st_mode & GROUP_OR_OTHERS_WRITE:
            raise ResourceError(
                f"{path} can be written by other users, so what it says about trust is not read",
                fix=f"Check what is in it, then:\n    chmod go-w {path}",
            )
