from pathlib import Path

import pytest

from experiments.chaos.artifacts import swaps

pytestmark = pytest.mark.slow


def test_a_file_that_is_swapped_while_it_is_opened_is_never_predicted_with(tmp_path: Path) -> None:
    counts = swaps.run(40, 0, tmp_path)
    assert counts["tried"] == counts["ok"] + counts["refused"] == 40
    assert counts["ok"] and counts["refused"]
