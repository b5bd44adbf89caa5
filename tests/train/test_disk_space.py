import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from temper.errors import ResourceError
from train.config import TrainingConfig
from train.disk_space import (
    MILLIONS_OF_PARAMETERS,
    bytes_beside_model,
    bytes_of_mapped_arrays,
    check_disk_space,
    model_bytes,
)
from train.network.backbones import BACKBONES

Usage = namedtuple("Usage", "free")
HEAD = TrainingConfig(trainable="head")
ALL = TrainingConfig(trainable="all")


def test_a_training_for_which_there_is_no_space_does_not_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(bytes_beside_model(HEAD, 100)))
    check_disk_space(tmp_path / "model.keras", HEAD, 100)
    with pytest.raises(ResourceError, match=r"the training writes about .* TMPDIR names another folder"):
        check_disk_space(tmp_path / "model.keras", HEAD, 101)


def test_a_head_stores_features_and_a_training_of_all_layers_stores_checkpoints() -> None:
    assert bytes_beside_model(HEAD, 10_000) > bytes_beside_model(HEAD, 100) + 9_900 * 2048 * 4
    assert bytes_beside_model(ALL, 10_000) == bytes_beside_model(ALL, 100) > 8 * model_bytes(ALL)


def test_many_decoded_images_need_space_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10 << 30))
    check_disk_space(tmp_path / "model.keras", ALL, 14_000)
    with pytest.raises(ResourceError):
        check_disk_space(tmp_path / "model.keras", ALL, 100_000)
    # The same number of images, decoded for a teacher too.
    check_disk_space(tmp_path / "model.keras", ALL, 14_000, teacher_size=224)
    with pytest.raises(ResourceError):
        check_disk_space(tmp_path / "model.keras", ALL, 14_000, teacher_size=600)


def test_arrays_that_are_too_large_for_memory_need_space_for_temporary_files() -> None:
    assert bytes_of_mapped_arrays(HEAD, 1000) == 0
    pixels, row = 3 * HEAD.size**2, 4 * 2048
    assert bytes_of_mapped_arrays(ALL, 40_000) == 40_000 * pixels
    expected = 40_000 * (pixels + row * (HEAD.augmentation_passes + 1))
    assert bytes_of_mapped_arrays(HEAD, 40_000) == expected


def test_every_backbone_has_a_size() -> None:
    assert MILLIONS_OF_PARAMETERS.keys() >= BACKBONES.keys() - {"tiny"}


@pytest.mark.tensorflow
def test_the_size_of_a_model_is_that_of_its_weights() -> None:
    from train.network.build import build_model

    config = TrainingConfig(backbone="mobilenetv3small", size=64, hidden_units=0)
    weights = 4 * build_model(2, 64, 0, backbone="mobilenetv3small").count_params()
    assert model_bytes(config) == pytest.approx(weights, rel=0.1)
