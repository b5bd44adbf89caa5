import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from temper.artifact import Artifact
from temper.card import Card, write_card
from temper.errors import ArtifactError, MissingRuntime
from temper.formats import FORMATS, Format
from temper.runners.base import Runner
from temper.runners.load import UncheckedContent, load_runner, open_runner
from temper.system.child_process import run_in_child
from temper.trust.policy import trust_by_hand
from temper.trust.records import record_made_here
from tests import tiny


@pytest.mark.parametrize("format", [each for each in FORMATS if not each.needs_gpu], ids=lambda each: each.suffix)
def test_a_library_that_is_not_installed_is_a_missing_runtime_with_its_command(format: Format) -> None:
    artifact = Artifact.with_card(Path(f"model{format.suffix}"), Card(labels=tiny.LABELS, size=tiny.SIZE))
    # In a process of its own: nothing has imported the library there.
    with pytest.raises(MissingRuntime, match="which is not installed") as caught:
        run_in_child(_load_without, format.requires[0], artifact)
    assert format.install in caught.value.fix


def _load_without(module: str, artifact: Artifact) -> None:
    sys.modules[module] = None  # type: ignore[assignment]
    load_runner(artifact)


def test_a_library_that_cannot_be_imported_is_a_missing_runtime_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(name: str) -> object:
        raise ImportError("libcudart.so.12: cannot open shared object file.")

    monkeypatch.setattr("temper.runners.load.importlib.import_module", broken)
    artifact = Artifact.with_card(Path("model.onnx"), Card(labels=tiny.LABELS, size=tiny.SIZE))
    with pytest.raises(MissingRuntime, match=r"cannot be imported here \(libcudart\.so\.12: .* file\)\.") as caught:
        load_runner(artifact)
    assert artifact.format.install in caught.value.fix


def test_a_damaged_artifact_is_refused_before_it_is_loaded(bundle: Path) -> None:
    artifact = Artifact.at(bundle).sibling("fp32", ".onnx")
    artifact.path.write_bytes(artifact.path.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match="is not the file that its card describes"):
        open_runner(artifact)


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_a_file_that_the_library_cannot_open_is_an_artifact_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"not a model")
    path.with_suffix(".bin").touch()
    with pytest.raises(ArtifactError, match="cannot be opened by"):
        open_runner(tiny.with_card(path))


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
@pytest.mark.parametrize("fields", [{"size": 2 * tiny.SIZE}, {"labels": ("blue", "green", "red")}])
def test_a_card_that_describes_another_network_is_refused(bundle: Path, suffix: str, fields: dict[str, Any]) -> None:
    artifact = Artifact.at(bundle).sibling("fp32", suffix)
    tiny.pipeline_of(bundle).build(artifact, "fp32")
    with open_runner(Artifact.at(artifact.path)) as runner:
        assert runner.shapes() == ([tiny.SIZE, tiny.SIZE, 3], [2])
    write_card(artifact.path, artifact.card.changed(**fields))
    with pytest.raises(ArtifactError, match=r"shape .* for each image, and its card describes"):
        open_runner(Artifact.at(artifact.path))


def test_dimensions_that_are_not_known_match_any(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = Artifact.at(bundle).sibling("fp32", ".onnx")
    for shapes in (None, ([None, -1, "channels"], ["classes"])):
        monkeypatch.setattr("temper.runners.onnxruntime.OnnxRuntimeRunner.shapes", lambda _, shapes=shapes: shapes)
        open_runner(artifact).close()


@pytest.mark.tensorflow
def test_a_hostile_folder_of_tensorflow_with_a_card_in_order_is_refused_before_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    canary, folder = tmp_path / "canary", tmp_path / "model.savedmodel"

    class Hostile(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec([None, tiny.SIZE, tiny.SIZE, 3], tf.uint8)])  # type: ignore[untyped-decorator]
        def serve(self, images: Any) -> Any:
            tf.io.write_file(str(canary), "code has run")
            return tf.fill([tf.shape(images)[0], 2], 0.5)

    module = Hostile()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    artifact = tiny.with_card(folder)
    with pytest.raises(ArtifactError, match="can run any code on this machine"):
        open_runner(artifact)
    assert not canary.exists()
    trust_by_hand(artifact)
    with open_runner(artifact) as runner:
        runner.predict(np.zeros((1, tiny.SIZE, tiny.SIZE, 3), np.uint8))
    assert canary.exists(), "the file is hostile indeed"


def test_a_program_whose_card_is_replaced_while_it_is_checked_is_checked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files of one card and the origin of another one are never put together."""
    path = tmp_path / "model.plan"
    path.write_bytes(b"made here")
    artifact = tiny.with_card(path)
    record_made_here(artifact)
    made_here = artifact.card_path.read_bytes()
    path.write_bytes(b"from elsewhere")
    hostile = tiny.with_card(path)
    assert hostile.card.labels == tiny.LABELS
    artifact.card_path.write_bytes(made_here)
    loaded: list[str] = []
    monkeypatch.setattr("temper.runners.load.load_runner", lambda each, *_: loaded.append(each.card.sha256))
    open_runner(hostile)
    assert loaded == [artifact.card.sha256], "the bytes that are loaded are compared with the card of that origin"


class Careless(Runner):
    """Opens whatever is at the path."""

    def _load(self) -> None:
        self.artifact.path.read_bytes()


def test_a_runner_that_loads_what_was_not_checked_is_a_bug(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("temper.runners.onnxruntime.OnnxRuntimeRunner", Careless)
    with pytest.raises(UncheckedContent, match=r"_load takes nothing from self\.content"):
        open_runner(Artifact.at(bundle).sibling("fp32", ".onnx"))


class Failing(Runner):
    """Its library raises an error that nobody expects."""

    error: Exception = KeyError("serving_default")

    def _load(self) -> None:
        raise self.error


def test_every_error_of_a_library_is_one_sentence(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("temper.runners.onnxruntime.OnnxRuntimeRunner", Failing)
    artifact = Artifact.at(bundle).sibling("fp32", ".onnx")
    for error, reason in ((KeyError("serving_default"), "'serving_default'"), (RuntimeError(), "RuntimeError")):
        monkeypatch.setattr(Failing, "error", error)
        with pytest.raises(ArtifactError, match=f"cannot be opened by ONNX Runtime: {reason}") as caught:
            open_runner(artifact)
        assert caught.value.__cause__ is error
    with monkeypatch.context() as patch:
        patch.setattr(Failing, "_load", lambda self: self.content.check())
        patch.setattr(Failing, "shapes", lambda self: [][0])
        with pytest.raises(ArtifactError, match="cannot be opened by ONNX Runtime: list index out of range"):
            open_runner(artifact)
    monkeypatch.setattr(Failing, "error", MemoryError())
    with pytest.raises(MemoryError):
        open_runner(artifact)
