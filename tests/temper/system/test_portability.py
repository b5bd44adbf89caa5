"""The library is importable on Windows: modules that only POSIX has are not imported at module level."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
POSIX_ONLY = ("fcntl", "grp", "pwd", "resource", "termios", "tty")
SCRIPT = """
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({names!r}))
import temper
for module in pkgutil.walk_packages(temper.__path__, "temper."):
    importlib.import_module(module.name)
    print(module.name)
"""


def test_every_module_is_imported_without_modules_that_only_posix_has() -> None:
    command = [sys.executable, "-c", SCRIPT.format(names=POSIX_ONLY)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {"temper.compatibility", "temper.runners.keras", "temper.storage.atomic"} <= set(done.stdout.split())
