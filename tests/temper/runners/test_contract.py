"""What the runner of every format owes its callers, on the same tiny classifier."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from convert.verification.accuracy_gate import GateLimits
from temper.artifact import Artifact
from temper.card import BatchRange, Precision, read_card, write_card
from temper.dataset.split import read_split
from temper.errors import IncompatibleMachine
from temper.formats import FORMATS, Format
from temper.images import load_images
from temper.runners.base import Images, Runner
from temper.runners.load import load_runner
from temper.storage.digest import sha256_of
from temper.system.gpu import find_gpu
from tests import tiny

TOLERANCE = {"fp32": 2e-3, "fp16": 2e-2, "int8": 0.1}
ANY_ACCURACY = GateLimits(max_drop=100, max_class_drop=100, min_agreement=0)


def needs_tensorflow(format: Format) -> bool:
    return "tensorflow" in (*format.requires, *format.requires_one)


def cases() -> list[object]:
    """Every format in every precision; those that TensorFlow runs are marked."""
    return [
        pytest.param(
            (format, precision),
            id=f"{precision}{format.suffix}",
            marks=[pytest.mark.tensorflow] if needs_tensorflow(format) else [],
        )
        for format in FORMATS
        for precision in (format.conversions or ("fp32",))
    ]


@pytest.fixture(scope="module")
def folder(made_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bundle, where artifacts that are converted from others find them."""
    folder = tmp_path_factory.mktemp("contract")
    shutil.copytree(made_bundle.parent, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def images(made_bundle: Path) -> Images:
    examples = read_split(Artifact.at(made_bundle), "train")
    return np.stack(list(load_images([each.path for each in examples], tiny.SIZE)))


@pytest.fixture(scope="module", params=cases())
def runner(request: pytest.FixtureRequest, folder: Path) -> Runner:
    """One artifact after the other; a missing runtime or device skips with the message that a user would read."""
    format, precision = request.param
    if format.needs_gpu and not find_gpu():
        pytest.skip(f"{format.title} needs a GPU")
    model = keras_model(folder) if needs_tensorflow(format) else folder / "model.keras"
    try:
        return load_runner(artifact_of(model, format, precision))
    except IncompatibleMachine as problem:
        pytest.skip(str(problem))


def artifact_of(model: Path, format: Format, precision: Precision) -> Artifact:
    if not format.conversions:
        return Artifact.at(model)
    pipeline = tiny.pipeline_of(model, ANY_ACCURACY, calibration_method="max", max_float_layers=0)
    return pipeline.build(Artifact.at(model).sibling(precision, format.suffix), precision)


def keras_model(folder: Path) -> Path:
    """A Keras network of one layer in place of the bundle's stand-in, in a folder of its own."""
    path = folder / "keras" / "model.keras"
    if not path.exists():
        import keras

        shutil.copytree(folder, path.parent, ignore=shutil.ignore_patterns("keras", "model.fp*", "model.reference*"))
        keras.utils.set_random_seed(0)
        layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
        keras.Sequential([keras.Input((tiny.SIZE, tiny.SIZE, 3), dtype="uint8"), *layers]).save(path)
        write_card(path, read_card(path).changed(sha256=sha256_of(path)))
    return path


def baseline_of(runner: Runner) -> Artifact:
    """The artifact whose predictions a runner must agree with: the first of its model that can be opened."""
    model = runner.artifact.model()
    return model if model.path.parent.name == "keras" else model.sibling("fp32", ".onnx")


def test_probabilities_are_float32_and_sum_to_one(runner: Runner, images: Images) -> None:
    probabilities = runner.predict(images)
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (len(images), 2)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_it_agrees_with_the_baseline(runner: Runner, images: Images) -> None:
    expected = load_runner(baseline_of(runner)).predict(images)
    assert np.abs(runner.predict(images) - expected).max() < TOLERANCE[runner.card.precision]


def test_an_image_has_the_same_probabilities_alone_and_in_a_batch(runner: Runner, images: Images) -> None:
    together = runner.predict(images[:5])
    alone = np.concatenate([runner.predict(images[i : i + 1]) for i in range(5)])
    assert np.abs(together - alone).max() < 1e-3


def test_earlier_results_are_not_overwritten(runner: Runner, images: Images) -> None:
    first = runner.predict(images[:1])
    copy = first.copy()
    runner.predict(images[-1:])
    assert (first == copy).all()


def test_threads_share_a_runner(runner: Runner, images: Images) -> None:
    expected = runner.predict(images[:8])

    def predict(number: int) -> bool:
        index = number % 8
        return bool(np.abs(runner.predict(images[index : index + 1]) - expected[index]).max() < 1e-3)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(predict, range(64)))


def test_more_images_than_the_largest_batch_are_divided(
    runner: Runner, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = runner.card.changed(batch=BatchRange(1, 4, 7))
    monkeypatch.setattr(runner, "artifact", Artifact.with_card(runner.artifact.path, card))
    alone = np.concatenate([runner.predict(image[None]) for image in images])
    assert np.abs(runner.predict(images) - alone).max() < 1e-3


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((1, 16, 16, 3), np.float32), np.zeros((16, 16, 3), np.uint8), np.zeros((1, 3, 16, 16), np.uint8),
     np.zeros((0, 16, 16, 3), np.uint8)],
    ids=["floats", "no batch axis", "channels first", "no image"],
)  # fmt: skip
def test_other_shapes_and_dtypes_are_refused(runner: Runner, wrong: Images) -> None:
    with pytest.raises(ValueError, match=r"expected uint8 images \[n, 16, 16, 3\]"):
        runner.predict(wrong)


def test_it_reports_what_really_runs(runner: Runner) -> None:
    info = runner.runtime_info()
    assert info.runtime and info.device and info.executed


def test_the_network_alone_runs_where_images_are_copied_to_a_device(runner: Runner) -> None:
    if runner.has_device_copies:
        runner.run_on_device(1)
    else:
        with pytest.raises(NotImplementedError):
            runner.run_on_device(1)


def test_every_mode_of_a_format_gives_the_same_probabilities(runner: Runner, images: Images) -> None:
    expected = runner.predict(images[:3])
    for mode in runner.artifact.format.modes[1:]:
        with load_runner(runner.artifact, mode) as other:
            assert np.abs(other.predict(images[:3]) - expected).max() < 1e-3
