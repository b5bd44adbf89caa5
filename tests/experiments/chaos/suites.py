"""Suites that fork, in a process of their own: a test runner has threads, and libraries that act when it forks."""

import json
import os
import subprocess
import sys
from typing import Any

from experiments.chaos.planted import VARIABLE
from tests.source import ROOT


def run_suite(name: str, count: int, fault: str = "") -> dict[str, Any]:
    """The record of a suite with seed 1; fault: the planted one."""
    command = [sys.executable, "experiments/chaos/suite.py", name, "--count", str(count), "--seed", "1"]
    environment = {**os.environ, VARIABLE: fault}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    return record
