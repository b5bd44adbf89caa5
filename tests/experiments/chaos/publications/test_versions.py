from pathlib import Path

import pytest

from experiments.chaos.publications import versions


@pytest.mark.parametrize("shape", versions.SHAPES)
def test_a_version_is_recognized_and_a_mixture_is_none(tmp_path: Path, shape: str) -> None:
    for number in (1, 2):
        versions.publish_version(tmp_path, shape, number)
        assert versions.version_at(tmp_path, shape) == number
    name = versions.SHAPES[shape][-1]
    (tmp_path / name).write_bytes(versions.content_of(name, 1))
    assert versions.version_at(tmp_path, shape) is None
    assert not versions.torn_files(tmp_path, shape, (1, 2))
    (tmp_path / name).write_bytes(b"half")
    assert versions.torn_files(tmp_path, shape, (1, 2)) == 1


def test_a_mixture_with_a_card_that_fits_is_none(tmp_path: Path) -> None:
    from temper.artifact import Artifact
    from temper.card import write_card

    versions.publish_version(tmp_path, "companions", 1)
    (tmp_path / "model.fp32.bin").write_bytes(b"other")
    artifact = Artifact.at(tmp_path / "model.fp32.xml")
    write_card(artifact.path, artifact.card.changed(sha256=artifact.sha256()))
    assert versions.version_at(tmp_path, "companions") is None


def test_what_is_left_is_counted(tmp_path: Path) -> None:
    versions.publish_version(tmp_path, "file", 1)
    (tmp_path / ".model.fp32.onnx.abc.scratch").mkdir()
    assert versions.left_after_a_minute(tmp_path, "file", 2) == 0
    (tmp_path / ".of the user").mkdir()
    assert versions.left_after_a_minute(tmp_path, "file", 2) == 1
