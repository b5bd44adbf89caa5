import os
from pathlib import Path

import keras
import numpy as np
import pytest

from temper.errors import DataError
from train.network import pretrained
from train.network.build import build_backbone
from train.network.pretrained import load_backbone
from train.network.weight_packages import read_package

pytestmark = pytest.mark.tensorflow


def test_weights_of_a_file_are_those_of_the_backbone(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    backbone = build_backbone("mobilenetv3small", None)
    backbone.save_weights(tmp_path / "backbone.weights.h5")
    loaded = load_backbone(tmp_path / "backbone.weights.h5", "mobilenetv3small")
    assert all(np.array_equal(a, b) for a, b in zip(loaded.get_weights(), backbone.get_weights(), strict=True))


def test_files_without_the_weights_are_reported_with_the_remedy(tmp_path: Path) -> None:
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    other.save_weights(tmp_path / "other.weights.h5")
    (tmp_path / "text.weights.h5").write_text("no weights")
    for name in ("other.weights.h5", "text.weights.h5"):
        with pytest.raises(DataError, match="does not hold the weights of a MobileNetV3Small"):
            load_backbone(tmp_path / name, "mobilenetv3small")
    with pytest.raises(DataError, match="does not exist"):
        load_backbone(tmp_path / "missing.weights.h5")


def test_imagenet_weights_of_a_package_are_loaded_without_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "_fetch", lambda *_: pytest.fail("a download was tried"))
    backbone = load_backbone("imagenet", "efficientnetlite0")
    expected = read_package("EfficientNetLite0")["_conv_stem.weight"].transpose(2, 3, 1, 0)
    assert np.array_equal(backbone.get_layer("stem_conv").get_weights()[0], expected)
    assert backbone.layers[-1].name == "top_relu6"


@pytest.mark.programs
def test_imagenet_weights_that_cannot_be_downloaded_are_a_connection_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    before = socket.getdefaulttimeout()
    with pytest.raises(ConnectionError, match="refused"):
        load_backbone("imagenet", "mobilenetv3small")
    assert socket.getdefaulttimeout() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.programs
def test_a_download_has_a_limit_and_leaves_nothing_incomplete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("train.network.pretrained.DOWNLOAD_SECONDS", 0.3)
    with pytest.raises(ConnectionError, match="more than 0 s"):
        load_backbone("imagenet", "mobilenetv3small")
    assert list(tmp_path.iterdir()) == []
    assert os.environ["KERAS_HOME"] == str(tmp_path)


def test_a_complete_download_is_moved_into_the_cache_of_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def downloaded(on_progress: object, function: object, backbone: str) -> str:
        folder = Path(os.environ["KERAS_HOME"]) / "models"
        folder.mkdir()
        (folder / f"{backbone}_notop.h5").write_text("weights")
        return ""

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(pretrained, "run_with_progress", downloaded)
    assert pretrained._fetch("resnet50") == ""
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == [
        "models",
        "models/resnet50_notop.h5",
    ]
    assert pretrained._is_cached("resnet50")


@pytest.mark.parametrize(
    ("backbone", "file", "is_cached"),
    [
        ("resnet50", "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", True),
        ("mobilenetv2", "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5", True),
        ("mobilenetv3small", "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5", True),
        ("efficientnetv2b0", "efficientnetv2-b0_notop.h5", True),
        ("convnexttiny", "convnext_tiny_notop.h5", True),
        ("resnet50", "resnet50_weights_tf_dim_ordering_tf_kernels.h5", False),
        ("resnet50", "resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5", False),
    ],
)
def test_only_weights_of_this_backbone_without_its_top_are_in_the_cache(
    backbone: str, file: str, is_cached: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / file).touch()
    assert pretrained._is_cached(backbone) == is_cached


def test_a_download_that_fails_without_a_message_is_named_by_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(pretrained, "build_backbone", fail)
    # Of this process, which has other tests.
    monkeypatch.setattr("socket.setdefaulttimeout", lambda _: None)
    assert pretrained._download("resnet50") == "TimeoutError"
