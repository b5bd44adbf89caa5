import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from temper.cluster import session
from temper.cluster.session import check_ray, count_actors, ray_session
from temper.errors import IncompatibleMachine, MissingRuntime, ResourceError, UsageError
from temper.formats import format_of


def cluster(*nodes: dict[str, float]) -> Any:
    """What Ray says about a cluster of these nodes."""
    total = {name: sum(node.get(name, 0) for node in nodes) for name in ("CPU", "GPU")}
    return SimpleNamespace(
        nodes=lambda: [{"Alive": True, "Resources": node} for node in nodes] + [{"Alive": False, "Resources": {}}],
        cluster_resources=lambda: total,
    )


def test_each_node_or_each_gpu_gets_an_actor() -> None:
    nodes = cluster({"CPU": 8}, {"CPU": 16, "GPU": 4}, {"CPU": 0})
    onnx, plan = format_of("a.onnx"), format_of("a.plan")
    assert onnx and plan
    assert count_actors(nodes, onnx) == 2
    assert count_actors(nodes, plan) == 4
    with pytest.raises(IncompatibleMachine, match="needs a GPU"):
        count_actors(cluster({"CPU": 8}), plan)


def test_missing_ray_is_reported_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingRuntime, match=r"pip install 'ray\[data\]'"):
        check_ray()


def test_an_address_of_ray_client_is_refused() -> None:
    with pytest.raises(UsageError, match="--ray auto"), ray_session("ray://head:10001"):
        pass


@pytest.mark.programs
def test_a_cluster_that_is_not_there_is_reported_at_once() -> None:
    pytest.importorskip("ray")
    started = time.monotonic()
    with pytest.raises(ResourceError, match=r"cannot be used: .*refused"), ray_session("127.0.0.1:1"):
        pass
    assert time.monotonic() - started < 30


def test_processes_with_open_files_of_a_killed_run_are_ended(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    code = "import sys, time; file = open(sys.argv[1]); print(); sys.stdout.flush(); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "log")], stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline()
        session._end_processes_of(tmp_path / "other")
        assert process.poll() is None
        session._end_processes_of(tmp_path)
        assert process.wait(10) == -signal.SIGKILL


def test_native_messages_are_discarded_and_ours_are_not(capfd: pytest.CaptureFixture[str]) -> None:
    with session._without_native_messages():
        os.write(2, b"native")
        print("ours", file=sys.stderr)
    os.write(2, b"after")
    assert capfd.readouterr().err == "ours\nafter"
