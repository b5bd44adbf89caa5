from pathlib import Path

import pytest

from convert.triton.repository import TritonModel, publish_model, versions_of
from temper.errors import ArtifactError


def model(content: bytes = b"1", size: int = 8, card: bytes = b"{}") -> TritonModel:
    files = {"model.onnx": content, "card.json": card, "temper/images.py": b"pass"}
    return TritonModel(config={"name": "cats", "max_batch_size": size}, version=files, shared={"labels.txt": b"a\n"})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_equal_content_is_left_alone_and_other_content_becomes_the_next_version(tmp_path: Path) -> None:
    assert publish_model(model(), tmp_path / "models") == 1
    before = contents(tmp_path)
    assert publish_model(model(card=b'{"build_seconds": 1}'), tmp_path / "models") == 1
    assert contents(tmp_path) == before
    assert publish_model(model(b"2"), tmp_path / "models") == 2
    assert {name: each for name, each in contents(tmp_path).items() if name in before} == before
    assert versions_of(tmp_path / "models" / "cats") == [1, 2]
    assert [each.name for each in tmp_path.iterdir()] == ["models"]


def test_a_new_configuration_keeps_the_version(tmp_path: Path) -> None:
    publish_model(model(), tmp_path)
    assert publish_model(model(size=4), tmp_path) == 1
    assert "max_batch_size: 4" in (tmp_path / "cats" / "config.pbtxt").read_text()


def test_a_folder_of_others_is_never_changed(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "config.pbtxt").write_text('name: "cats"\n')
    before = contents(tmp_path)
    for force in (False, True):
        with pytest.raises(ArtifactError, match="Temper did not make it"):
            publish_model(model(), tmp_path, force)
    assert contents(tmp_path) == before


def test_an_edited_configuration_is_replaced_only_with_force(tmp_path: Path) -> None:
    publish_model(model(), tmp_path)
    config = tmp_path / "cats" / "config.pbtxt"
    config.write_text(config.read_text() + "# mine\n")
    with pytest.raises(ArtifactError, match="was edited"):
        publish_model(model(b"2"), tmp_path)
    assert versions_of(tmp_path / "cats") == [1]
    assert publish_model(model(b"2"), tmp_path, force=True) == 2
    assert "# mine" not in config.read_text()
