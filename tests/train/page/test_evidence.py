import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.train.page.conftest import SIZE, SQUARE, Squares
from train.network.build import build_model
from train.page.evidence import Head, evidence, feature_maps, heat_map

pytestmark = pytest.mark.tensorflow
# A place of the tiny backbone is computed from 13 pixels: 5, and 4 more on each side by the next convolution.
REACH = 6


@pytest.fixture(params=[0, 8], ids=["linear head", "hidden layer"])
def model(request: pytest.FixtureRequest, tiny_backbone: keras.Model) -> keras.Model:
    """A model whose output is the logits."""
    keras.utils.set_random_seed(1)
    made = build_model(3, 48, hidden_units=request.param, backbone="tiny")
    for layer in made.layers:
        if isinstance(layer, keras.layers.Dense):
            layer.bias.assign(np.linspace(-0.3, 0.2, layer.units))
    made.get_layer("probabilities").activation = keras.activations.linear
    return made


def pixels_of(count: int, size: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 255, (count, size, size, 3), dtype=np.uint8)


def test_places_and_rest_add_up_to_the_logit_of_each_label(model: keras.Model) -> None:
    pixels = pixels_of(6, 48)
    logits, maps, head = np.asarray(model(pixels)), feature_maps(model, pixels), Head.of(model)
    assert maps.shape[0] == 6 and maps.shape[1] > 3
    for image in range(6):
        for label, of_labels in enumerate(np.eye(3, dtype=np.float32)):
            added, rest = head.places(maps[image], of_labels)
            assert added.sum() + rest == pytest.approx(logits[image, label], abs=1e-5)
            assert added.std() > 0


def test_evidence_is_the_difference_of_two_logits_without_the_rest(model: keras.Model) -> None:
    pixels = pixels_of(1, 48)
    head, (maps,) = Head.of(model), feature_maps(model, pixels)
    (logits,) = np.asarray(model(pixels))
    _, rest = head.places(maps, np.array([-1, 0, 1], np.float32))
    assert evidence(head, maps, 2, 0).sum() + rest == pytest.approx(logits[2] - logits[0], abs=1e-5)
    assert np.allclose(evidence(head, maps, 2, 0), -evidence(head, maps, 0, 2), atol=1e-6)


def test_the_map_is_hot_where_the_square_is_that_alone_decides_the_label(squares: Squares) -> None:
    evaluation, test = squares.trained.evaluation, [each for each in squares.examples if each.subset == "test"]
    assert evaluation.is_correct.sum() == len(test) - 1
    with_square = np.flatnonzero(evaluation.predicted == 1)
    head = Head.of(squares.trained.model)
    for index, maps in zip(
        with_square, feature_maps(squares.trained.model, squares.trained.pixels[with_square]), strict=True
    ):
        row, column = squares.corners[test[index].path.relative_to(squares.folder).as_posix()]
        added = evidence(head, maps, 1, 0)
        heat = np.asarray(Image.fromarray(added).resize((SIZE, SIZE), Image.Resampling.BILINEAR))
        is_near = np.zeros((SIZE, SIZE), bool)
        is_near[max(0, row - REACH) : row + SQUARE + REACH, max(0, column - REACH) : column + SQUARE + REACH] = True
        assert is_near[np.unravel_index(heat.argmax(), heat.shape)]
        assert heat[is_near].mean() > 5 * abs(heat[~is_near].mean())


def test_a_heat_map_colors_what_is_positive_and_nothing_else() -> None:
    pixels = np.full((8, 8, 3), (0, 0, 200), np.uint8)
    added = np.full((2, 2), -1, np.float32)
    added[0, 0] = 3
    shown = np.asarray(heat_map(pixels, added)).astype(int)
    assert shown[0, 0, 0] > 150
    assert (shown[7, 7] == shown[7, 7, 0]).all()
    nothing = np.asarray(heat_map(pixels, -np.ones((2, 2), np.float32)))
    assert (nothing == nothing[..., :1]).all()
