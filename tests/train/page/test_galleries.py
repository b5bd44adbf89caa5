from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from temper.dataset.split import Example
from tests.train.page.conftest import CONFIG, HOSTILE, WRONG, Squares
from train.config import NO_AUGMENTATION
from train.evaluation.metrics import evaluate
from train.evaluation.suspect_labels import Suspect, SuspectLabels
from train.page import galleries

pytestmark = pytest.mark.tensorflow
SAMPLES = np.random.default_rng(0).integers(0, 255, (2, 16, 16, 3), dtype=np.uint8)


def test_a_mistake_is_shown_beside_the_places_that_speak_for_the_wrong_label(squares: Squares) -> None:
    trained = squares.trained
    names = [path.name for path in (each.path for each in squares.examples if each.subset == "test")]
    (mistake,) = galleries.worst_mistakes(trained.model, trained.evaluation, trained.pixels, names)
    (image, name), (heat, text) = mistake.sources
    assert name == mistake.lines[0] == WRONG
    assert image != heat and image.startswith("data:image/jpeg;base64,")
    assert text == f"where {WRONG} speaks for square, not for {HOSTILE}"
    assert mistake.lines[1].startswith("square ") and mistake.lines[2].startswith(f"true: {HOSTILE} ")


def test_without_mistakes_the_network_is_not_called() -> None:
    perfect = evaluate(np.eye(2, dtype=np.float32), np.arange(2), ("a", "b"))
    assert galleries.worst_mistakes(None, perfect, SAMPLES, ["a.png", "b.png"]) == []


def test_training_images_are_shown_with_versions_that_differ() -> None:
    shown = galleries.augmented_versions(SAMPLES, CONFIG)
    assert [len({source for source, _ in each.sources}) for each in shown] == [7, 7]
    assert shown == galleries.augmented_versions(SAMPLES, CONFIG)


@pytest.mark.parametrize("change", [{"augmentation": NO_AUGMENTATION}, {"augmentation_passes": 1}], ids=str)
def test_where_the_training_saw_the_originals_alone_no_version_is_shown(change: dict[str, object]) -> None:
    assert galleries.augmented_versions(SAMPLES, replace(CONFIG, **change)) == []  # type: ignore[arg-type]


def test_suspects_are_shown_as_far_as_their_pixels_are_there() -> None:
    one = Suspect(path=Path("d/a/1.png"), label="a", looks_like="b", label_probability=0.1, looks_like_probability=0.9)
    suspects = SuspectLabels(n_images=9, suspects=[one] * 3, pixels=SAMPLES)
    shown = list(galleries.suspect_images(suspects, Path("d")))
    assert [each.lines for each in shown] == [("a/1.png", "label: a", "looks like b 90.0 %")] * 2
    assert list(galleries.suspect_images(None, Path("d"))) == []


def test_an_image_in_two_subsets_is_shown_twice_and_one_that_is_gone_by_its_name(tmp_path: Path) -> None:
    Image.fromarray(SAMPLES[0]).save(tmp_path / "a.png")
    one = Example(path=tmp_path / "a.png", label="a", subset="train", sha256="")
    gone = Example(path=tmp_path / "b.png", label="a", subset="test", sha256="")
    (shown,) = galleries.leaked_images([(one, gone)], tmp_path)
    assert [bool(source) for source, _ in shown.sources] == [True, False]
    assert shown.lines == ("train: a.png", "test: b.png")
