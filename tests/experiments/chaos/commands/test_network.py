import sys
from pathlib import Path

import pytest

from experiments.chaos.commands import network
from experiments.chaos.commands.network import outside, watch
from experiments.chaos.planted import REACHING, planted, program
from experiments.chaos.strace import is_usable

pytestmark = [pytest.mark.programs, pytest.mark.skipif(not is_usable(), reason="strace cannot trace processes here")]
# Where nothing is sent: no name is looked up, and no packet is needed to choose a route.
REACHES_OUT = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 443))"
IN_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {REACHES_OUT!r}])"


def test_no_command_leaves_this_machine(tmp_path: Path) -> None:
    counts = network.run(1, 0, tmp_path, ["classify .xml", "doctor"])
    assert (counts["tried"], counts["ok"], counts["examples"]) == (2, 2, [])


@pytest.mark.slow
def test_no_command_at_all_leaves_this_machine(tmp_path: Path) -> None:
    counts = network.run(1, 0, tmp_path)
    assert counts["examples"] == []


@pytest.mark.parametrize("code", [REACHES_OUT, IN_A_CHILD], ids=["command", "child"])
def test_a_command_that_reaches_out_is_seen(code: str, tmp_path: Path) -> None:
    assert watch([sys.executable, "-c", code], tmp_path / "trace") == (0, ["192.0.2.1:443"])


def test_a_fault_that_is_planted_in_commands_is_seen(tmp_path: Path) -> None:
    (tmp_path / "program.py").touch()
    with planted(REACHING):
        words = [sys.executable, *program([str(tmp_path / "program.py")])]
        assert watch(words, tmp_path / "trace") == (0, ["192.0.2.1:443"])


def test_an_address_of_ipv6_and_a_resolver_of_the_system_are_seen() -> None:
    line = 'connect(3, {sa_family=AF_INET6, sin6_port=htons(443), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr)'
    assert outside(line) == ["2001:db8::1:443"]
    assert outside(line.replace("2001:db8::1", "::1")) == []
    assert outside('connect(4, {sa_family=AF_UNIX, sun_path="/run/systemd/resolve/io.systemd.Resolve"}') != []
