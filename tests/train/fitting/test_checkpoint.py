import signal
from pathlib import Path

import keras
import numpy as np
import pytest

from temper.dataset.split import Part
from train.config import TrainingConfig
from train.dataset.batches import Pictures
from train.fitting import fit as fitting
from train.fitting.checkpoint import Checkpoint, State, checkpoint_path, read_state
from train.fitting.fit import Course, Keep, fine_course, fit
from train.network.build import build_model, freeze_below_top

pytestmark = pytest.mark.tensorflow
RECIPE = TrainingConfig(
    weights="none", layers="all", size=32, epochs=4, batch=4, learning_rate=1e-2, dense=8, backbone="tiny", patience=2
)
COURSE = Course(epochs=4, rate=1e-2, keeps_best=True)
STEPS = 3


class Killed(Exception):
    """Stands for kill -9 at the end of a step."""


def network() -> keras.Model:
    """A network with all that must survive: BatchNorm's statistics, dropout's random state, AdamW's moments."""
    keras.utils.set_random_seed(0)
    return build_model(2, 32, dense=8, backbone="tiny")


@pytest.fixture(scope="module")
def pictures(tiny_backbone: keras.Model) -> dict[Part, Pictures]:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (14, 32, 32, 3), dtype=np.uint8)
    targets = np.eye(2, dtype=np.float32)[np.arange(14) % 2]
    return {"train": Pictures(pixels[:10], targets[:10]), "val": Pictures(pixels[10:], targets[10:])}


def kill_after(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step writes a checkpoint, and the one after it raises."""

    class Killing(Checkpoint):
        def __init__(self, path: Path | None, state: State, steps: int, together: bool) -> None:
            super().__init__(path, state, steps, together, interval=0)

        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            if self._state.epoch * STEPS + self._state.step == step:
                raise Killed
            super().on_train_batch_end(batch, logs)

    monkeypatch.setattr(fitting, "Checkpoint", Killing)


@pytest.fixture(scope="module")
def whole(
    pictures: dict[Part, Pictures], tmp_path_factory: pytest.TempPathFactory
) -> tuple[keras.Model, dict[str, list[float]]]:
    """The uninterrupted training."""
    from tests.train import tiny

    tiny.add_tiny()
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (14, 32, 32, 3), dtype=np.uint8)
    targets = np.eye(2, dtype=np.float32)[np.arange(14) % 2]
    data: dict[Part, Pictures] = {
        "train": Pictures(pixels[:10], targets[:10]), "val": Pictures(pixels[10:], targets[10:])
    }  # fmt: skip
    model = network()
    return model, fit(model, data, RECIPE, COURSE, Keep(tmp_path_factory.mktemp("whole") / "kept.npz"))


# Within an epoch, at its last step, late.
@pytest.mark.parametrize("step", [2, 3, 8])
def test_a_resumed_training_reproduces_the_uninterrupted_one(
    whole: tuple[keras.Model, dict[str, list[float]]],
    pictures: dict[Part, Pictures],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
) -> None:
    keep = Keep(tmp_path / "kept.npz", resume=True)
    kill_after(step, monkeypatch)
    with pytest.raises(Killed):
        fit(network(), pictures, RECIPE, COURSE, keep)
    monkeypatch.undo()
    state = read_state(keep.path)
    assert state is not None
    assert (state.epoch, state.step) == divmod(step, STEPS)
    resumed = network()
    told = fit(resumed, pictures, RECIPE, COURSE, keep)
    for name, values in whole[1].items():
        assert np.allclose(told[name], values, atol=1e-5), name
    for a, b in zip(whole[0].get_weights(), resumed.get_weights(), strict=True):
        assert np.allclose(a, b, atol=1e-5)


def test_ctrl_c_keeps_the_step_that_was_computed(
    whole: tuple[keras.Model, dict[str, list[float]]], pictures: dict[Part, Pictures], tmp_path: Path
) -> None:
    class Press(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
            if batch == 1:
                signal.raise_signal(signal.SIGINT)

    keep = Keep(tmp_path / "kept.npz", resume=True)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(network(), pictures, RECIPE, COURSE, keep, [Press()])
    assert signal.getsignal(signal.SIGINT) is before
    state = read_state(keep.path)
    assert state is not None
    assert (state.epoch, state.step) == (0, 2)
    told = fit(network(), pictures, RECIPE, COURSE, keep)
    assert np.allclose(told["val_loss"], whole[1]["val_loss"], atol=1e-5)


def test_early_stopping_counts_on_after_a_kill(
    pictures: dict[Part, Pictures], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rate so high that validation only gets worse: it ends `patience` epochs after the best, killed or not."""
    course = Course(epochs=30, rate=3.0, keeps_best=True)
    whole = network()
    history = fit(whole, pictures, RECIPE, course, Keep(tmp_path / "whole.npz"))
    ended = len(history["loss"])
    assert ended < 30
    assert ended == int(np.argmin(history["val_loss"])) + 1 + RECIPE.patience
    kill_after(ended * STEPS - 2, monkeypatch)
    keep = Keep(tmp_path / "kept.npz", resume=True)
    with pytest.raises(Killed):
        fit(network(), pictures, RECIPE, course, keep)
    monkeypatch.undo()
    resumed = network()
    assert len(fit(resumed, pictures, RECIPE, course, keep)["loss"]) == ended
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        assert np.allclose(a, b, rtol=1e-3, atol=1e-4)


def test_fine_tuning_moves_the_top_alone_and_never_ends_worse_than_it_began(
    pictures: dict[Part, Pictures], tmp_path: Path
) -> None:
    recipe = TrainingConfig("none", "head", 32, 2, 4, 1.0, dense=8, backbone="tiny", fine_tune=2)
    model = network()
    freeze_below_top(model, "tiny")
    before = {layer.name: layer.get_weights() for layer in model.layers}
    pixels, targets = pictures["val"].pixels, pictures["val"].targets
    loss = keras.losses.CategoricalCrossentropy()
    began = float(loss(targets, model(pixels, training=False)))
    seen: list[float] = []

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            seen.append(
                float(np.abs(model.get_layer("conv5_1_conv").get_weights()[0] - before["conv5_1_conv"][0]).max())
            )

    history = fit(model, pictures, recipe, fine_course(recipe), Keep(tmp_path / "kept.npz"), [Watch()])
    assert seen[-1] > 1e-3
    for name in ("conv1_conv", "conv1_bn", "conv5_1_3_bn"):
        for a, b in zip(before[name], model.get_layer(name).get_weights(), strict=True):
            assert np.array_equal(a, b), name
    ended = float(loss(targets, model(pixels, training=False)))
    assert np.isclose(ended, min(began, *history["val_loss"]), atol=1e-5)


def test_short_trainings_keep_no_checkpoint(pictures: dict[Part, Pictures], tmp_path: Path) -> None:
    fit(network(), pictures, RECIPE, Course(1, 1e-3, False), Keep(tmp_path / "kept.npz"))
    assert read_state(tmp_path / "kept.npz") is None


def test_a_disk_that_is_full_leaves_the_last_checkpoint_whole(
    pictures: dict[Part, Pictures], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_after(2, monkeypatch)
    keep = Keep(tmp_path / "kept.npz")
    with pytest.raises(Killed):
        fit(network(), pictures, RECIPE, COURSE, keep)
    before = keep.path.read_bytes()
    kill_after(10_000, monkeypatch)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("train.fitting.checkpoint.np.savez", full)
    with pytest.raises(OSError, match="No space left"):
        fit(network(), pictures, RECIPE, COURSE, keep)
    assert keep.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["kept.npz"]


def test_another_recipe_has_another_checkpoint(tmp_path: Path) -> None:
    other = TrainingConfig(weights="none", layers="all", size=32, epochs=5, batch=4, learning_rate=1e-3, dense=8)
    assert checkpoint_path(tmp_path, [], RECIPE) != checkpoint_path(tmp_path, [], other)
