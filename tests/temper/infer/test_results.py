import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from temper.dataset.image_files import MAX_PIXELS_OF_PILLOW
from temper.errors import UnreadableImage
from temper.images import Decoding, open_image
from temper.infer.results import MIN_TEXT_PIXELS, Prediction, Result, add_labels, top_k

PREDICTIONS = (Prediction("cat", 0.75), Prediction("dog", 0.25))


def result(**fields: object) -> Result:
    return Result(**{"source": "a.jpg", "predictions": PREDICTIONS, "milliseconds": 1.23456, **fields})  # type: ignore[arg-type]


def test_the_label_is_the_most_probable_one() -> None:
    assert (result().label, result().probability) == ("cat", 0.75)


def test_an_error_has_no_label() -> None:
    failed = Result(source="a.jpg", error="a.jpg does not exist")
    assert (failed.label, failed.probability, failed.text()) == ("", 0.0, "")


@pytest.mark.parametrize("unknown", [None, True, False])
def test_as_dict_is_json_and_has_unknown_only_with_a_threshold(unknown: bool | None) -> None:
    fields = json.loads(json.dumps(result(unknown=unknown).as_dict()))
    assert fields.pop("unknown", None) is unknown
    assert fields == {
        "file": "a.jpg",
        "predictions": [{"label": "cat", "probability": 0.75}, {"label": "dog", "probability": 0.25}],
        "milliseconds": 1.235,
    }


def test_as_dict_of_an_error_has_the_name_and_the_reason_alone() -> None:
    assert Result(source="a.jpg", error="damaged").as_dict() == {"file": "a.jpg", "error": "damaged"}


def test_an_unknown_result_still_shows_its_labels() -> None:
    assert result(unknown=True).text() == "unknown (cat 75.0 %, dog 25.0 %)"
    assert result(unknown=False).text() == "cat 75.0 %, dog 25.0 %"


def contrast(image: Image.Image) -> int:
    return int(np.ptp(np.asarray(image.convert("L"))))


@pytest.mark.parametrize("value", [0, 128, 255], ids=["dark", "gray", "light"])
@pytest.mark.parametrize("size", [(8, 8), (24, 20), (224, 224), (1600, 1200), (30, 900), (900, 30)])
def test_labels_are_readable_on_an_image_of_any_size_and_brightness(size: tuple[int, int], value: int) -> None:
    image = Image.new("RGB", size, (value, value, value))
    labeled = add_labels(image, ["cat 75.0 %", "dog 25.0 %"])
    scale = labeled.width // image.width
    shown = labeled.crop((0, 0, labeled.width, scale * image.height))
    band = labeled.crop((0, shown.height, labeled.width, labeled.height))
    assert (np.asarray(shown) == value).all()
    assert band.height >= 2 * MIN_TEXT_PIXELS
    middle = band.height // 2
    for line in (band.crop((0, 0, band.width, middle)), band.crop((0, middle, band.width, band.height))):
        assert contrast(line) > 200
    # No letter reaches the edge: nothing is cut off.
    assert contrast(band.crop((band.width - 3, 0, band.width, band.height))) == 0


def test_the_image_is_not_changed() -> None:
    image = Image.new("RGB", (64, 64), (200, 0, 0))
    add_labels(image, ["cat"])
    assert image.size == (64, 64)
    assert image.getcolors() == [(64 * 64, (200, 0, 0))]


def test_save_reads_the_file_again_and_makes_missing_folders(tmp_path: Path) -> None:
    source, target = tmp_path / "a.png", tmp_path / "new" / "folder" / "a.png"
    Image.new("RGB", (200, 100), (200, 0, 0)).save(source)
    result(source=str(source)).save(target)
    with Image.open(target) as saved:
        assert saved.width == 200
        assert saved.height > 100
        assert saved.getpixel((100, 50)) == (200, 0, 0)


def test_save_has_no_limit_of_pixels_but_that_of_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever classified the image may have raised the limit."""
    limits: list[int] = []

    def opened(path: Path, decoding: Decoding) -> Image.Image:
        limits.append(decoding.max_pixels)
        return open_image(path, decoding)

    monkeypatch.setattr("temper.infer.results.open_image", opened)
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    result(source=str(tmp_path / "a.png")).save(tmp_path / "b.png")
    assert limits == [MAX_PIXELS_OF_PILLOW]


def test_save_writes_an_image_that_is_no_file(tmp_path: Path) -> None:
    result(source="image 0", image=Image.new("RGB", (200, 100), (0, 0, 200))).save(str(tmp_path / "a.jpg"))
    with Image.open(tmp_path / "a.jpg") as saved:
        assert saved.format == "JPEG"


def test_save_marks_an_unknown_result(tmp_path: Path) -> None:
    image = Image.new("RGB", (200, 100))
    for unknown in (False, True):
        result(source="image 0", image=image, unknown=unknown).save(tmp_path / f"{unknown}.png")
    with Image.open(tmp_path / "True.png") as marked, Image.open(tmp_path / "False.png") as plain:
        assert marked.height > plain.height


def test_save_of_an_error_or_with_an_unknown_suffix_is_a_value_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no image to save"):
        Result(source="a.jpg", error="damaged").save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="extension"):
        result(image=Image.new("RGB", (9, 9))).save(tmp_path / "a.nothing")


def test_save_of_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="does not exist"):
        result(source=str(tmp_path / "a.png")).save(tmp_path / "b.png")


def test_the_most_probable_labels_come_first_and_ties_keep_the_order_of_the_labels() -> None:
    probabilities = np.array([0.25, 0.5, 0.25], np.float32)
    assert top_k(probabilities, ("a", "b", "c"), 3) == [
        Prediction("b", 0.5),
        Prediction("a", 0.25),
        Prediction("c", 0.25),
    ]


def test_more_than_there_are_gives_all() -> None:
    assert len(top_k(np.array([0.4, 0.6], np.float32), ("a", "b"), 9)) == 2


def test_a_probability_is_a_float_of_python() -> None:
    (prediction,) = top_k(np.array([0.25, 0.75], np.float32), ("a", "b"), 1)
    assert type(prediction.probability) is float


@pytest.mark.parametrize(("probability", "text"), [(1.0, "cat 100.0 %"), (0.0004, "cat 0.0 %"), (0.756, "cat 75.6 %")])
def test_a_prediction_is_shown_as_its_label_and_a_percentage(probability: float, text: str) -> None:
    assert str(Prediction("cat", probability)) == text
