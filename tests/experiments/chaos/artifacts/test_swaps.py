from pathlib import Path

import pytest

from experiments.chaos import guards
from experiments.chaos.artifacts import swaps

pytestmark = pytest.mark.slow


def test_a_file_that_is_swapped_while_it_is_opened_is_never_predicted_with(tmp_path: Path) -> None:
    counts = swaps.run(40, 0, tmp_path)
    assert counts["tried"] == counts["ok"] + counts["refused"] == 40
    assert counts["ok"] and counts["refused"]


def test_without_the_check_the_suite_notices(tmp_path: Path) -> None:
    with guards.unchecked():
        assert swaps.run(40, 0, tmp_path)["silent"] > 0
