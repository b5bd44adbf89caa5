import os
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from temper.artifact import Artifact
from temper.card import Card
from temper.errors import ArtifactError, MissingRuntime
from temper.formats import FORMATS, KERAS_BACKENDS, format_of
from temper.runners import keras as keras_runner
from temper.runners.keras import KerasRunner, open_model
from temper.storage.digest import sha256_of
from temper.system.child_process import run_in_child
from tests.temper.runners.checks.keras_archive import archive

KERAS = format_of("model.keras") or FORMATS[0]


class Model:
    """A Keras model, as far as the modes that every backend has call it."""

    def predict(self, images: object, verbose: int) -> list[list[float]]:
        return [[0.25, 0.75]]

    def predict_on_batch(self, images: object) -> list[list[float]]:
        return [[0.25, 0.75]]


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    path = archive(tmp_path / "model.keras")
    return Artifact.with_card(path, Card(labels=("a", "b"), size=2, sha256=sha256_of(path)))


def open_on(backend: str, artifact: Artifact, monkeypatch: pytest.MonkeyPatch, mode: str = "") -> KerasRunner:
    """A runner where Keras runs on a backend that is not installed."""
    saving = types.SimpleNamespace(load_model=lambda *_, **__: Model())
    module = types.SimpleNamespace(backend=types.SimpleNamespace(backend=lambda: backend), saving=saving)
    monkeypatch.setattr(keras_runner, "import_keras", lambda: module)
    monkeypatch.setattr(keras_runner, "count_weights", lambda config: 0)
    return KerasRunner(artifact, mode)


@pytest.mark.parametrize("backend", KERAS_BACKENDS[1:])
def test_the_default_mode_is_the_first_that_the_backend_has(
    backend: str, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = open_on(backend, artifact, monkeypatch)
    assert runner.mode == "predict"
    assert runner.predict(np.zeros((1, 2, 2, 3), np.uint8)).tolist() == [[0.25, 0.75]]


@pytest.mark.parametrize(("mode", "backend"), [("tf.function", "jax"), ("tf.function", "torch"), ("XLA", "torch")])
def test_a_mode_that_the_backend_lacks_is_an_error_when_it_is_named(
    mode: str, backend: str, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MissingRuntime, match=f"the mode {mode} needs TensorFlow, and Keras runs on {backend} here"):
        open_on(backend, artifact, monkeypatch, mode)


@pytest.mark.tensorflow
def test_with_tensorflow_the_default_mode_is_the_first(artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = open_on("tensorflow", artifact, monkeypatch)
    assert runner.mode == KERAS.modes[0]


@pytest.mark.tensorflow
def test_a_layer_of_code_is_refused_before_its_code_runs(tmp_path: Path) -> None:
    import keras

    # Keras stores the code of the function and the value of this variable, and nothing that it imports.
    canary = str(tmp_path / "canary")
    layer = keras.layers.Lambda(lambda images: [open(canary, "w").close(), images][1])  # type: ignore[func-returns-value]  # noqa: PTH123
    keras.Sequential([keras.Input((4,)), layer, keras.layers.Dense(2)]).save(tmp_path / "model.keras")
    assert Path(canary).exists(), "the code does what it says"
    Path(canary).unlink()
    with pytest.raises(ArtifactError, match=r"model\.keras cannot be opened by Keras"):
        open_model(tmp_path / "model.keras")
    assert not Path(canary).exists()


def test_importing_the_module_imports_no_framework_and_changes_no_variable() -> None:
    assert run_in_child(_effects_of_importing) == set()


def _effects_of_importing() -> set[str]:
    modules, variables = set(sys.modules), dict(os.environ)
    import temper.runners.keras
    import temper.runners.saved_model  # noqa: F401

    changed = {name for name, value in os.environ.items() if variables.get(name) != value}
    return changed | ({"keras", "tensorflow", "jax", "torch"} & (set(sys.modules) - modules))
