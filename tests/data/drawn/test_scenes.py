import numpy as np
import pytest

from data.drawn.scenes import SIDE, draw_image


@pytest.mark.parametrize("label", ["cat", "dog"])
def test_equal_seeds_draw_equal_images_and_other_seeds_other_images(label: str) -> None:
    first, again, other = (np.asarray(draw_image(label, seed)) for seed in ("a", "a", "b"))
    assert first.shape == (SIDE, SIDE, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_mean_colors_alone_do_not_separate_cats_from_dogs() -> None:
    means = {
        label: np.array([np.asarray(draw_image(label, f"{seed}")).mean(axis=(0, 1)) for seed in range(60)])
        for label in ("cat", "dog")
    }
    values = np.concatenate([means["cat"], means["dog"]])
    labels = np.repeat([0, 1], 60)
    for channel in range(3):
        cuts = [np.mean((values[:, channel] > cut) == labels) for cut in values[:, channel]]
        assert max(*cuts, *(1 - np.array(cuts))) < 0.75
