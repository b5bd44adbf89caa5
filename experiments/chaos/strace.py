"""Programs in which a chosen system call fails, or ends the process, by strace."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from experiments.support import ROOT
from temper.exit_codes import ExitCode

# What changes files; each is counted for itself.
CALLS = ("write", "pwrite64", "rename", "fsync", "mkdir", "unlink,unlinkat,rmdir", "ftruncate,truncate")
KILL, NO_SPACE, IO_ERROR = "signal=KILL", "error=ENOSPC", "error=EIO"
FAULTS = (KILL, NO_SPACE, IO_ERROR)
TIMEOUT_SECONDS = 120
TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True, kw_only=True)
class Injected:
    """How a program ended. was_reached: whether it came to the call. code: negative for a signal; None after a hang."""

    was_reached: bool
    code: int | None
    stderr: str

    @property
    def shows_bug(self) -> bool:
        """True for a traceback, and for the exit code of a bug."""
        return TRACEBACK in self.stderr or self.code == ExitCode.BUG


def is_usable() -> bool:
    """Whether strace is installed and may trace processes here."""
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True).returncode == 0


def inject(words: list[str], call: str, fault: str, number: int, scratch: Path) -> Injected:
    """Run a Python program of this project; the call of this number, from 1, fails or kills the process."""
    log = scratch / "strace.log"
    log.unlink(missing_ok=True)
    tracing = ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={call}"]
    # The faster way, but strace 6.1 delivers no signals with it.
    tracing += [] if fault == KILL else ["--seccomp-bpf"]
    command = [*tracing, "-e", f"inject={call}:{fault}:when={number}", sys.executable, *words]
    # Files of compiled modules are no result of a program.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        _, stderr = process.communicate(timeout=TIMEOUT_SECONDS)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        _, stderr = process.communicate()
        code = None
    text = log.read_text(errors="replace") if log.exists() else ""
    was_reached = "(INJECTED)" in text or code == -signal.SIGKILL
    return Injected(was_reached=was_reached, code=code, stderr=stderr)
