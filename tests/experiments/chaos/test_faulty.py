import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

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


# Prints what the guards of the library do, at first and with one after another switched off.
GUARDS = """
import sys
from pathlib import Path
from data.image_check import inspect_image
from experiments.chaos import planted
from experiments.chaos.faulty import PLANTS
from temper.images import EncodedImage, load_image
from temper.runners import load
from temper.system.interrupts import Stop

def show():
    try:
        load_image(EncodedImage("a", Path(sys.argv[1]).read_bytes()), 8)
    except Exception as error:
        is_decoded = inspect_image(Path(sys.argv[1])).phash is not None
        print(type(error).__name__, is_decoded, load.explained.__module__.split(".")[0], Stop().exit_code)

show()
for name in (planted.UNEXPLAINED, planted.CONCEALED, planted.UNDECODED, planted.UNREFUSED):
    PLANTS[name]()
    show()
"""


@pytest.mark.programs
def test_each_fault_switches_off_a_guard(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.bmp")
    (tmp_path / "cut.bmp").write_bytes((tmp_path / "a.bmp").read_bytes()[:5000])
    done = subprocess.run(
        [sys.executable, "-c", GUARDS, tmp_path / "cut.bmp"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [
        "UnreadableImage False temper 128",
        "UnreadableImage False experiments 128",
        "UnreadableImage False experiments 1",
        "UnreadableImage True experiments 1",
        "OSError True experiments 1",
    ]


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
