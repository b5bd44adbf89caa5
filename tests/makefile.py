"""make, with an environment that counts as installed: nothing is installed, and its Python is this one."""

import os
import shlex
import sys
from pathlib import Path

from tests.source import ROOT


def pretend_installed(environment: Path, mark: str, requirements: str) -> None:
    """Make the folder that `make VENV=environment` takes for an environment with the packages of a list.

    mark: the file that says so, such as ".run". requirements: the list, such as "requirements.lock".
    """
    python = environment / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    (environment / mark).touch()
    # make installs again what is older than its list.
    latest = (ROOT / requirements).stat().st_mtime + 1
    os.utime(environment / mark, (latest, latest))
