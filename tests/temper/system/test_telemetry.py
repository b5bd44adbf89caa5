import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from temper.system import telemetry
from tests.source import ROOT

# A program that uses the library, and no command.
LOADS = """
import os, temper
import onnxruntime, openvino
import openvino.tools.ovc.telemetry_utils as used
print(used.tm.__name__, os.environ["RAY_USAGE_STATS_ENABLED"])
"""


def test_a_decision_of_the_user_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED")
    telemetry.disable_telemetry()
    assert (os.environ["ORT_DISABLE_TELEMETRY"], os.environ["RAY_USAGE_STATS_ENABLED"]) == ("0", "0")


@pytest.mark.programs
def test_the_runtimes_write_nothing_about_their_user(tmp_path: Path) -> None:
    """ONNX Runtime writes a device number when it is imported, OpenVINO a client number: so does this test without."""
    variables = {name: value for name, value in os.environ.items() if name not in telemetry.VARIABLES}
    homes = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", LOADS], env={**variables, **homes}, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "openvino.tools.ovc.telemetry_stub 0\n"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert find_spec("openvino_telemetry") is None
