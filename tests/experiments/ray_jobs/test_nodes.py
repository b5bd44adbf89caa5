import os
import shutil
from pathlib import Path

import pytest

from experiments.ray_jobs.nodes import parse, run
from temper.errors import ResourceError


def test_without_root_it_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ResourceError, match="need root"):
        run(parse(["--out", str(tmp_path / "nodes.md")]))


@pytest.mark.slow
@pytest.mark.programs
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="network namespaces need root")
def test_a_job_whose_second_node_is_killed_has_every_row_once(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    out = tmp_path / "nodes.md"
    assert run(parse(["--images", "6000", "--out", str(out)])) == 0
    assert "6,000 rows; images without a row: 0; rows twice: 0; wrong labels or errors: 0" in out.read_text()
