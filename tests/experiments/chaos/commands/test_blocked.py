import sys
from pathlib import Path

import pytest

from experiments.chaos.commands import network
from experiments.chaos.commands.blocked import is_local, watch

pytestmark = pytest.mark.programs
# Half a second of a processor each; all others are tried by the slow test.
QUICK = ["classify --json", "selftest", "inspect", "draw", "scan"]
CONNECTS = "import socket; socket.socket().connect(('192.0.2.1', 443))"
SENDS = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 53))"
NAMES = "import socket; socket.socket().connect(('example.org', 443))"
ASKS = "import urllib.request; urllib.request.urlopen('http://example.org/')"
CONCEALED = f"import contextlib\nwith contextlib.suppress(OSError):\n    {CONNECTS}"
IN_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CONNECTS!r}])"
AT_HOME = """
import socket, threading
server = socket.create_server(("localhost", 0))
socket.create_connection(server.getsockname()).sendall(b"a")
"""


def test_no_quick_command_leaves_this_machine(tmp_path: Path) -> None:
    counts = network.run(1, 0, tmp_path, QUICK, watch)
    assert (counts["tried"], counts["ok"], counts["examples"]) == (len(QUICK), len(QUICK), [])


@pytest.mark.slow
def test_no_command_leaves_this_machine(tmp_path: Path) -> None:
    counts = network.run(1, 0, tmp_path, (), watch)
    assert (counts["ok"], counts["examples"]) == (counts["tried"], [])


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        (CONNECTS, "socket.connect ('192.0.2.1', 443)"),
        (SENDS, "socket.sendto ('192.0.2.1', 53)"),
        (NAMES, "socket.connect ('example.org', 443)"),
        (ASKS, "socket.getaddrinfo ('example.org',)"),
        (CONCEALED, "socket.connect ('192.0.2.1', 443)"),
        (IN_A_CHILD, "socket.connect ('192.0.2.1', 443)"),
    ],
    ids=["connects", "sends", "connects to a name", "looks a name up", "conceals it", "in a child"],
)
def test_what_leaves_this_machine_is_seen(code: str, seen: str, tmp_path: Path) -> None:
    _, contacts = watch([sys.executable, "-c", code], tmp_path / "trace")
    assert contacts == [seen]


def test_what_stays_on_this_machine_is_allowed(tmp_path: Path) -> None:
    assert watch([sys.executable, "-c", AT_HOME], tmp_path / "trace") == (0, [])
    assert is_local(None) and is_local(("::1", 80, 0, 0)) and is_local((b"localhost",))
