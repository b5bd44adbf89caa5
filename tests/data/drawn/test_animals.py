from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from data.drawn.animals import ANIMALS
from data.drawn.pen import Pen


@pytest.mark.parametrize("label", ANIMALS)
def test_an_animal_is_drawn_inside_its_square(label: str) -> None:
    for seed in range(10):
        image = Image.new("RGB", (200, 200), (1, 2, 3))
        ANIMALS[label](Pen(canvas=ImageDraw.Draw(image), x=100, y=100, scale=100), Random(seed))
        changed = (np.asarray(image) != (1, 2, 3)).any(axis=2)
        assert changed.mean() > 0.05
        assert not changed[:, :40].any()
        assert not changed[:, 160:].any()
