"""Which addresses outside of this machine a command tries to reach, its child processes included: strace watches."""

import ipaddress
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from experiments.chaos.commands.interrupts import SERVE_SECONDS
from experiments.chaos.commands.workspace import SERVE, command_lines, make_workspace, reset
from experiments.support import ROOT

CALLS = "connect,sendto,sendmsg,sendmmsg"
ADDRESS = re.compile(r'sin6?_port=htons\((?P<port>\d+)\).*?(?:inet_addr\("|AF_INET6, ")(?P<address>[^"]+)"')
DNS = 53
# A service of this machine that resolves names for others.
RESOLVER = "/run/systemd/resolve/"


def outside(trace: str) -> list[str]:
    """Addresses outside of this machine, and questions for names, in the text that strace writes.

    >>> outside('connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0')
    []
    >>> outside('connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 0')
    ['127.0.0.53:53']
    """
    contacts = {(each["address"], int(each["port"])) for each in ADDRESS.finditer(trace)}
    local = [address for address in (ipaddress.ip_address(name) for name, _ in contacts)
            if address.is_loopback or address.is_unspecified]  # fmt: skip
    named = {f"{name}:{port}" for name, port in contacts if port == DNS or ipaddress.ip_address(name) not in local}
    return sorted(named | ({RESOLVER} if RESOLVER in trace else set()))


def watch(words: list[str], trace: Path, seconds: float = 0.0) -> tuple[int, list[str]]:
    """Exit code of a command, and the addresses outside of this machine that it tried. seconds: then it is stopped."""
    options = ["-f", "-qq", "--seccomp-bpf", "-e", f"trace={CALLS}", "-e", "signal=none", "-s", "16", "-o", str(trace)]
    code = exit_code_of(["strace", *options, *words], seconds)
    return code, outside(trace.read_text(errors="replace"))


def exit_code_of(words: list[str], seconds: float, environment: Mapping[str, str] | None = None) -> int:
    """Exit code of a command in a session of its own. seconds: then it is stopped, if not 0."""
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True, env=environment)  # fmt: skip
    if seconds:
        time.sleep(seconds)
        # strace ignores it; the command does not.
        os.killpg(process.pid, signal.SIGTERM)
    return process.wait()


Watch = Callable[[list[str], Path, float], tuple[int, list[str]]]


def run(count: int, seed: int, scratch: Path, names: Sequence[str] = (), watching: Watch = watch) -> dict[str, object]:
    """Watch every command `count` times; the first time without caches.

    names: of command_lines(), all if empty. watching: what watches. seed: unused, nothing is random. Returns counts:
    tried; ok; silent (reached out, or tried to); refused (the command failed); and the seconds and examples.
    """
    started = time.monotonic()
    workspace = make_workspace(scratch / "network")
    lines = {name: words for name, words in command_lines(workspace).items() if not names or name in names}
    silent, refused = [], []
    for name, words in [each for _ in range(count) for each in lines.items()]:
        reset(workspace, name)
        code, contacts = watching(words, scratch / "trace", 2 * SERVE_SECONDS if name == SERVE else 0.0)
        silent += [f"{name}: {', '.join(contacts)}"] if contacts else []
        refused += [f"{name}: exit code {code}"] if code and name != SERVE else []
    tried = count * len(lines)
    return {
        "tried": tried, "ok": tried - len(silent) - len(refused), "silent": len(silent), "refused": len(refused),
        "traceback": 0, "crash": 0, "seconds": round(time.monotonic() - started), "examples": [*silent, *refused],
    }  # fmt: skip
