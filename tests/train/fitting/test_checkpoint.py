import dataclasses
import shutil
import signal
from pathlib import Path

import keras
import numpy as np
import pytest

from temper.errors import ArtifactError
from tests.train.fitting.tiny_fit import CONFIG, SCHEDULE, STEPS, keep_checkpoints, kill_after, network, small_data
from train.config import Schedule
from train.fitting.checkpoint import (
    CheckpointConfig,
    History,
    TrainingState,
    checkpoint_path,
    read_checkpoint,
    restore_variables,
    write_checkpoint,
)
from train.fitting.fit import compile_model, fit

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def resumed(tmp_path: Path) -> CheckpointConfig:
    return CheckpointConfig(path=tmp_path / "checkpoint.npz", resume=True)


@dataclasses.dataclass
class Uninterrupted:
    """The training that is never interrupted; `folder` has what a kill after each step would leave."""

    model: keras.Model
    history: History
    folder: Path

    def resume(self, step: int, checkpoint: CheckpointConfig) -> tuple[keras.Model, History]:
        """Go on from the checkpoint of a kill."""
        shutil.copy(self.folder / f"{step}.npz", checkpoint.path)
        model = network()
        return model, fit(model, small_data(checkpoint.path.parent), SCHEDULE, checkpoint)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Uninterrupted:
    model, folder = network(), tmp_path_factory.mktemp("uninterrupted")
    with pytest.MonkeyPatch.context() as patch:
        keep_checkpoints(folder, patch)
        history = fit(model, small_data(folder), SCHEDULE, CheckpointConfig(path=folder / "checkpoint.npz"))
    return Uninterrupted(model, history, folder)


# At the last step of an epoch, and within a late one.
@pytest.mark.parametrize("step", [3, 8])
def test_a_resumed_training_equals_the_uninterrupted_one(
    uninterrupted: Uninterrupted, resumed: CheckpointConfig, step: int
) -> None:
    saved = read_checkpoint(uninterrupted.folder / f"{step}.npz")
    assert saved is not None
    assert (saved.state.epoch, saved.state.step) == divmod(step, STEPS)
    model, history = uninterrupted.resume(step, resumed)
    for name, values in uninterrupted.history.items():
        assert np.allclose(history[name], values, atol=1e-5), name
    for a, b in zip(uninterrupted.model.get_weights(), model.get_weights(), strict=True):
        assert np.allclose(a, b, atol=1e-5)


def test_a_checkpoint_at_the_end_of_an_epoch_contains_its_best_weights(uninterrupted: Uninterrupted) -> None:
    saved = read_checkpoint(uninterrupted.folder / f"{STEPS}.npz")
    assert saved is not None
    assert saved.state.best_loss == saved.state.history["val_loss"][0]
    model = network()
    compile_model(model, CONFIG, SCHEDULE, STEPS)
    restore_variables(model, saved.variables)
    for a, b in zip(saved.state.best_weights, model.get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_restoring_leaves_the_checkpoint_unchanged(tmp_path: Path) -> None:
    model = network()
    compile_model(model, CONFIG, SCHEDULE, STEPS)
    write_checkpoint(tmp_path / "checkpoint.npz", model, TrainingState(epoch=2, history={"loss": [1.0, 0.5]}))
    saved = read_checkpoint(tmp_path / "checkpoint.npz")
    assert saved is not None
    assert (saved.state.epoch, saved.state.history) == (2, {"loss": [1.0, 0.5]})
    before = [each.copy() for each in saved.variables]
    restore_variables(model, saved.variables)
    model.set_weights([each + 1 for each in model.get_weights()])
    assert before and all(np.array_equal(a, b) for a, b in zip(before, saved.variables, strict=True))


def test_ctrl_c_stops_after_the_current_step_with_a_checkpoint(
    uninterrupted: Uninterrupted, resumed: CheckpointConfig
) -> None:
    class Interrupt(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
            if batch == 1:
                signal.raise_signal(signal.SIGINT)

    data, before = small_data(resumed.path.parent), signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(network(), data, SCHEDULE, resumed, [Interrupt()])
    assert signal.getsignal(signal.SIGINT) is before
    saved = read_checkpoint(resumed.path)
    assert saved is not None
    assert (saved.state.epoch, saved.state.step) == (0, 2)
    history = fit(network(), data, SCHEDULE, resumed)
    assert np.allclose(history["val_loss"], uninterrupted.history["val_loss"], atol=1e-5)


def test_patience_continues_to_count_after_a_kill(
    resumed: CheckpointConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With such a high rate the validation loss only rises: `patience` epochs after the best one the training ends."""
    schedule = Schedule(epochs=30, learning_rate=3.0, restore_best=True, patience=2)
    data, model = small_data(tmp_path), network()
    keep_checkpoints(tmp_path, monkeypatch)
    history = fit(model, data, schedule, CheckpointConfig(path=tmp_path / "uninterrupted.npz"))
    monkeypatch.undo()
    epochs = len(history["loss"])
    assert epochs < 30
    assert epochs == int(np.argmin(history["val_loss"])) + 1 + schedule.patience
    shutil.copy(tmp_path / f"{epochs * STEPS - 2}.npz", resumed.path)
    other = network()
    assert len(fit(other, data, schedule, resumed)["loss"]) == epochs
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        assert np.allclose(a, b, rtol=1e-3, atol=1e-4)


def test_a_short_training_writes_no_checkpoint(tmp_path: Path) -> None:
    checkpoint = CheckpointConfig(path=tmp_path / "checkpoint.npz")
    fit(network(), small_data(tmp_path), Schedule(epochs=1, learning_rate=1e-3), checkpoint)
    assert read_checkpoint(checkpoint.path) is None


def test_a_full_disk_leaves_the_last_checkpoint_complete(
    uninterrupted: Uninterrupted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, checkpoint = small_data(tmp_path), CheckpointConfig(path=tmp_path / "checkpoint.npz")
    shutil.copy(uninterrupted.folder / "2.npz", checkpoint.path)
    before = checkpoint.path.read_bytes()
    kill_after(10_000, monkeypatch)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("train.fitting.checkpoint.np.savez", full)
    with pytest.raises(OSError, match="No space left"):
        fit(network(), data, SCHEDULE, checkpoint)
    assert checkpoint.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_a_damaged_checkpoint_is_an_error_with_the_remedy(
    uninterrupted: Uninterrupted, resumed: CheckpointConfig
) -> None:
    content = (uninterrupted.folder / "2.npz").read_bytes()
    for damaged in (b"", b"no archive", content[: len(content) // 2], content.replace(b"NUMPY", b"NUMPX", 1)):
        resumed.path.write_bytes(damaged)
        with pytest.raises(ArtifactError, match=r"checkpoint\.npz is damaged.*--force"):
            read_checkpoint(resumed.path)


def test_another_configuration_has_another_checkpoint(tmp_path: Path) -> None:
    other = dataclasses.replace(CONFIG, epochs=5)
    assert checkpoint_path(tmp_path, [], CONFIG) != checkpoint_path(tmp_path, [], other)
