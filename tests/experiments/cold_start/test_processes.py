import subprocess
import sys

import pytest

from experiments.cold_start.processes import import_milliseconds, start

PROGRAM = "import time; print('label', flush=True); time.sleep(0.2)"


def test_the_first_line_is_timed_before_the_end() -> None:
    times = start([sys.executable, "-c", PROGRAM])
    assert 0 < times.label < times.label + 150 < times.end
    assert times.cpu < times.end


@pytest.mark.parametrize("program", ["raise SystemExit(3)", "pass"])
def test_a_program_that_fails_or_prints_nothing_is_an_error(program: str) -> None:
    with pytest.raises(RuntimeError, match="ended with exit code"):
        start([sys.executable, "-c", program])


def test_each_module_has_the_time_that_it_takes_itself() -> None:
    times = import_milliseconds([sys.executable, "-S", "-c", "import json"])
    assert {"json", "json.decoder", "json.scanner"} <= times.keys()
    assert min(times.values()) >= 0
    with pytest.raises(subprocess.CalledProcessError):
        import_milliseconds([sys.executable, "-c", "import no_such_module"])
