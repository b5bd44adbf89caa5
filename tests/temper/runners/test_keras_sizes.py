import json
import zipfile
from pathlib import Path

import pytest

from temper.errors import ArtifactError
from temper.runners.keras import open_model

UNITS = 2_000


def saved(path: Path) -> Path:
    """A Keras model of two layers with seeds, batch statistics and a nested model."""
    import keras

    inner = keras.Sequential([keras.layers.Dense(4, name="inner"), keras.layers.BatchNormalization()])
    layers = [keras.Input((4,)), inner, keras.layers.Dropout(0.5, seed=3), keras.layers.Dense(4, name="outer")]
    keras.Sequential(layers).save(path)
    return path


def with_units(path: Path, name: str) -> Path:
    """A copy of a file whose layer of this name declares more units; it is built when data reaches it."""

    def change(part: object) -> None:
        if isinstance(part, dict):
            part.pop("build_config", None)
            if part.get("name") == name and "units" in part:
                part["units"] = UNITS
            part = list(part.values())
        for each in part if isinstance(part, list) else ():
            change(each)

    edited = path.with_name(f"{name}.keras")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(edited, "w") as target:
        for member in source.namelist():
            content = source.read(member)
            if member == "config.json":
                fields = json.loads(content)
                change(fields)
                content = json.dumps(fields).encode()
            target.writestr(member, content)
    return edited


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("sizes") / "model.keras")


def test_a_model_whose_weights_are_all_in_the_file_is_opened(path: Path) -> None:
    assert open_model(path).output_shape == (None, 4)


@pytest.mark.parametrize("name", ["inner", "outer"])
def test_layers_with_more_weights_than_the_file_are_refused_before_they_take_memory(path: Path, name: str) -> None:
    with pytest.raises(ArtifactError, match=r"declares layers with [\d,]+ weights, and holds \d+\. Copy it again"):
        open_model(with_units(path, name))


def test_what_was_refused_is_not_initialized_later(path: Path) -> None:
    from keras.src.backend.common import global_state

    with pytest.raises(ArtifactError, match="declares layers"):
        open_model(with_units(path, "outer"))
    assert not global_state.get_global_attribute("uninitialized_variables")
