"""Commands whose sockets reach this machine alone: what leaves it is refused and noted, names to look up included.

It needs no strace, and sees what Python code does, also in child processes. Native code, such as a runtime with a
client of its own, is not seen: network.py watches that.
"""

import ipaddress
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.chaos.commands.network import exit_code_of
from experiments.support import ROOT

VARIABLE = "TEMPER_CHAOS_CONTACTS"
# Python imports a module of this name when it starts.
STARTS = "sitecustomize.py"
CODE = f"from {__name__} import block\nblock()\n"
# Audit events, each with the place of the address among its arguments (docs.python.org/3/library/audit_events.html).
EVENTS = {
    "socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0, "socket.getnameinfo": 0,
}  # fmt: skip
# What would look a name up before its audit event; the address is the last argument.
METHODS = ("connect", "connect_ex", "sendto")
LOCAL_NAMES = ("", "localhost", "ip6-localhost")


def block() -> None:
    """Refuse what leaves this machine, in this process from now on, and note it in the file that VARIABLE names."""
    for name in METHODS:
        setattr(socket.socket, name, _checked(f"socket.{name}", getattr(socket.socket, name)))
    sys.addaudithook(_audit)


def is_local(address: object) -> bool:
    """Whether the address of a socket is of this machine.

    >>> is_local(("127.0.0.1", 80)), is_local("/run/a.socket"), is_local(("192.0.2.1", 80)), is_local(("a.org", 80))
    (True, True, False, False)
    """
    if not isinstance(address, tuple):
        # Of a socket of this machine (AF_UNIX), or of one that is connected already.
        return True
    name = address[0].decode() if isinstance(address[0], bytes) else str(address[0] or "")
    try:
        number = ipaddress.ip_address(name)
    except ValueError:
        return name in LOCAL_NAMES
    return number.is_loopback or number.is_unspecified


def watch(words: list[str], trace: Path, seconds: float = 0.0) -> tuple[int, list[str]]:
    """Exit code of a command, and what it tried outside of this machine. seconds: then it is stopped."""
    folder = trace.with_suffix(".start")
    folder.mkdir(exist_ok=True)
    (folder / STARTS).write_text(CODE)
    trace.write_text("")
    path = os.pathsep.join([str(folder), str(ROOT)])
    code = exit_code_of(words, seconds, {**os.environ, "PYTHONPATH": path, VARIABLE: str(trace)})
    return code, sorted(set(trace.read_text().splitlines()))


def _checked(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: socket.socket, *arguments: Any) -> Any:
        _refuse(name, arguments[-1])
        return method(self, *arguments)

    return call


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    place = EVENTS.get(event)
    if place is not None:
        address = arguments[place]
        # A name alone where one is looked up.
        _refuse(event, address if place or isinstance(address, tuple) else (address,))


def _refuse(event: str, address: object) -> None:
    if is_local(address):
        return
    with Path(os.environ[VARIABLE]).open("a") as file:
        file.write(f"{event} {address!r}\n")
    raise ConnectionError(f"{event}: {address!r} is outside of this machine")
