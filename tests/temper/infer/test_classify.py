from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from temper.artifact import Artifact
from temper.dataset.split import read_split
from temper.images import load_image
from temper.infer.classify import BATCHES_AHEAD, classify
from temper.runners.base import CPU_BATCH, Runner
from temper.runners.load import open_runner
from tests import tiny


@pytest.fixture(scope="module")
def runner(made_bundle: Path) -> Iterator[Runner]:
    with open_runner(Artifact.at(made_bundle.with_name("model.fp32.onnx"))) as runner:
        yield runner


@pytest.fixture
def path(made_bundle: Path) -> Path:
    """A red image."""
    return next(each.path for each in read_split(Artifact.at(made_bundle), "test") if each.label == "red")


def test_results_come_in_the_order_of_the_files_across_batches(made_bundle: Path, runner: Runner) -> None:
    examples = read_split(Artifact.at(made_bundle), "train")
    assert len(examples) > 2 * CPU_BATCH
    results = list(classify(runner, [each.path for each in examples]))
    assert [result.source for result in results] == [str(each.path) for each in examples]
    correct = sum(result.label == each.label for result, each in zip(results, examples, strict=True))
    assert correct / len(examples) > 0.9
    assert all(result.milliseconds > 0 for result in results)


def test_a_file_that_cannot_be_read_gives_a_result_with_an_error(runner: Runner, path: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_text("text")
    bad, good, missing = classify(runner, [tmp_path / "bad.jpg", path, tmp_path / "none.jpg"], k=2)
    assert "is not an image" in bad.error
    assert "does not exist" in missing.error
    assert len(good.predictions) == 2
    assert not good.error


def test_the_runner_is_not_called_when_no_file_can_be_read(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "predict", None)
    (result,) = classify(runner, [tmp_path / "none.jpg"])
    assert result.error


def test_a_file_an_image_and_an_array_of_the_same_pixels_are_predicted_alike(runner: Runner, path: Path) -> None:
    image = Image.open(path)
    results = list(classify(runner, [path, image, np.asarray(image)], k=2))
    assert [result.source for result in results] == [str(path), "image 1", "image 2"]
    assert results[0].predictions == results[1].predictions == results[2].predictions
    assert results[0].image is None
    assert isinstance(results[1].image, Image.Image) and results[1].image.size == image.size


def test_the_orientation_of_an_opened_image_is_applied_as_that_of_a_file(
    runner: Runner, path: Path, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    rotated = tmp_path / "rotated.png"
    Image.open(path).convert("RGB").resize((40, 20)).save(rotated, exif=exif)
    with Image.open(rotated) as image:
        by_file, by_image = classify(runner, [rotated, image])
    assert by_file.predictions == by_image.predictions
    assert isinstance(by_image.image, Image.Image) and by_image.image.size == (20, 40)


def test_an_opened_image_that_is_damaged_gives_a_result_with_an_error(
    runner: Runner, path: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(path.read_bytes()[:-300])
    with Image.open(damaged) as image:
        bad, good = classify(runner, [image, path])
    assert bad.error.startswith("image 0 is damaged")
    assert good.label == "red"


@pytest.mark.parametrize(
    "array",
    [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8), np.zeros((2, 4, 4, 3), np.uint8),
     np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)],
    ids=["floats", "gray", "a batch", "RGBA", "empty"],
)  # fmt: skip
def test_another_array_is_a_value_error(runner: Runner, array: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected uint8 RGB \[height, width, 3\]"):
        list(classify(runner, [array]))


@pytest.mark.parametrize(("threshold", "unknown"), [(None, None), (0.0, False), (1.0, True)])
def test_results_below_the_threshold_are_unknown(
    runner: Runner, path: Path, threshold: float | None, unknown: bool | None
) -> None:
    (result,) = classify(runner, [path], threshold=threshold)
    assert result.unknown is unknown
    assert result.label == "red"


def test_an_endless_stream_is_read_a_few_images_ahead(
    runner: Runner, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    pixels, taken = load_image(path, tiny.SIZE), 0

    def stream() -> Iterator[np.ndarray]:
        nonlocal taken
        while True:
            taken += 1
            yield pixels

    results = classify(runner, stream())
    for received in range(1, 5 * CPU_BATCH):
        next(results)
        assert taken <= received + CPU_BATCH + BATCHES_AHEAD * CPU_BATCH
    results.close()  # type: ignore[attr-defined]
