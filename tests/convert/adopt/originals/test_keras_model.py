import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from convert.adopt.normalization import KNOWN
from convert.adopt.originals.base import Wanted
from convert.adopt.originals.keras_model import KerasOriginal
from temper.errors import ArtifactError
from tests import tiny
from tests.convert.adopt.nets import keras_net
from tests.temper.runners.checks.keras_archive import CONFIG, archive

pytestmark = pytest.mark.tensorflow
PIXELS = np.random.default_rng(0).integers(0, 256, (3, tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_saved_model_gives_what_it_gave_before(bundle: Path, tmp_path: Path, suffix: str) -> None:
    model = keras_net(keras, bundle)
    model.save(tmp_path / f"net{suffix}")
    original = KerasOriginal(tmp_path / f"net{suffix}", Path(f"net{suffix}"), Wanted())
    assert (original.outputs, original.spec.size, original.spec.layout) == (2, tiny.SIZE, "NHWC")
    expected = model.predict(KNOWN["caffe"].apply(PIXELS), verbose=0)
    assert np.abs(original.raw(PIXELS, KNOWN["caffe"]) - expected).max() < 1e-6


@keras.saving.register_keras_serializable("elsewhere")
class Doubled(keras.layers.Layer):  # type: ignore[misc]
    def call(self, inputs: object) -> object:
        return inputs


def _unusual(kind: str) -> keras.Model:
    shape = (tiny.SIZE, tiny.SIZE, 3)
    layers = keras.layers
    inputs = keras.Input(shape)
    x = layers.GlobalAveragePooling2D()(inputs)
    if kind == "lambda":
        x = layers.Lambda(lambda values: values * 2)(x)
    if kind == "custom":
        x = Doubled()(x)
    outputs = layers.Dense(2)(x)
    return keras.Model(inputs, [outputs, outputs] if kind == "outputs" else outputs)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("kind", "words"),
    [("lambda", "a Lambda layer"), ("custom", "(elsewhere>)?Doubled, which is not of Keras")],
    ids=["lambda", "custom"],
)
def test_code_in_a_file_and_custom_layers_are_refused_with_the_remedy(
    tmp_path: Path, suffix: str, kind: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"net{suffix}"
    _unusual(kind).save(path)
    # As in a process that does not know the class.
    monkeypatch.delitem(keras.saving.get_custom_objects(), "elsewhere>Doubled")
    with pytest.raises(
        ArtifactError, match=rf"(?s)cannot be opened by Keras: it contains {words}.*model\.export"
    ) as caught:
        KerasOriginal(path, path, Wanted())
    # Keras' own text says how to run the code all the same.
    assert "safe_mode" not in str(caught.value)


def test_a_model_with_two_outputs_is_refused(tmp_path: Path) -> None:
    _unusual("outputs").save(tmp_path / "net.keras")
    with pytest.raises(ArtifactError, match="has 1 input and 2 outputs"):
        KerasOriginal(tmp_path / "net.keras", Path("net.keras"), Wanted())


def test_weights_without_a_model_are_refused(tmp_path: Path) -> None:
    _unusual("plain").save_weights(tmp_path / "net.weights.h5")
    with pytest.raises(ArtifactError, match=r"(?s)weights without the layers.*model\.save"):
        KerasOriginal(tmp_path / "net.weights.h5", Path("net.weights.h5"), Wanted())


def _with_units(path: Path) -> None:
    """Let the last layer of a saved model declare 2,000 units in place of 2."""
    old, new = '"units": 2,', '"units": 2000,'
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            config = str(file.attrs["model_config"])
            assert old in config
            file.attrs["model_config"] = config.replace(old, new)
        return
    with zipfile.ZipFile(path) as saved:
        members = {name: saved.read(name) for name in saved.namelist()}
    assert old.encode() in members[CONFIG]
    members[CONFIG] = members[CONFIG].replace(old.encode(), new.encode())
    archive(path, members)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_layers_with_more_weights_than_the_file_are_refused_before_they_take_memory(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"net{suffix}"
    _unusual("plain").save(path)
    _with_units(path)
    with pytest.raises(ArtifactError, match=r"net\.\w+ declares layers with 8,000 weights, and holds 8\."):
        KerasOriginal(path, Path(path.name), Wanted())


def test_an_archive_that_keras_would_not_write_is_refused(tmp_path: Path) -> None:
    archive(tmp_path / "net.keras", compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ArtifactError, match=r"contains config\.json compressed"):
        KerasOriginal(tmp_path / "net.keras", Path("net.keras"), Wanted())
