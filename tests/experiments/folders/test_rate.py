from pathlib import Path

import pytest

from experiments.folders import rate


@pytest.mark.programs
def test_the_memory_of_a_job_over_links_is_sampled(made_bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "artifacts"
    folder.mkdir()
    for suffix in ("", ".json"):
        source = made_bundle.with_name(f"model.fp32.onnx{suffix}")
        (folder / source.name).write_bytes(source.read_bytes())
    words = ["--artifacts", str(folder), "--photos", str(made_bundle.parent / "images"), "--images", "4"]
    options = rate.parse([*words, "--links", "2000", "--out", str(tmp_path / "memory.md")])
    assert rate.run(options) == 0
    text = (tmp_path / "memory.md").read_text()
    assert "2,000 symbolic links" in text and "| resident MiB |" in text
