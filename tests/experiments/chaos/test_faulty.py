import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.chaos.planted import COPIED, FORGETFUL, IN_PLACE, ONE_BY_ONE, VARIABLE, WRAPPER
from tests.source import ROOT

# Prints whether a file is there before it is complete.
SHOWS = """
import sys
from pathlib import Path
from temper.storage.atomic import atomic_write
with atomic_write(Path(sys.argv[1])) as path:
    (path / "folder").mkdir(parents=True)
    print(Path(sys.argv[1]).exists())
"""


@pytest.mark.programs
@pytest.mark.parametrize(
    ("fault", "expected"), [(IN_PLACE, "True"), (ONE_BY_ONE, "False"), (COPIED, "False"), (FORGETFUL, "False")]
)
def test_a_program_runs_with_the_fault(tmp_path: Path, fault: str, expected: str) -> None:
    (tmp_path / "program.py").write_text(SHOWS)
    done = subprocess.run(
        [sys.executable, *WRAPPER, tmp_path / "program.py", tmp_path / "target"],
        cwd=ROOT, env={**os.environ, VARIABLE: fault}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == expected
    assert fault == COPIED or (tmp_path / "target" / "folder").is_dir()
