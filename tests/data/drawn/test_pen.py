import numpy as np
from PIL import Image, ImageDraw

from data.drawn.pen import Pen

RED = (255, 0, 0)


def drawn_box(**changes: float) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of a square at (1, 0), side 1, drawn with a pen of 10 pixels at (50, 50)."""
    image = Image.new("RGB", (100, 100))
    pen = Pen(canvas=ImageDraw.Draw(image), **{"x": 50, "y": 50, "scale": 10, **changes})
    pen.polygon([(1, 0), (2, 0), (2, 1), (1, 1)], RED)
    return image.getbbox()


def test_a_pen_scales_mirrors_and_rotates_about_its_origin() -> None:
    assert drawn_box() == (60, 50, 71, 61)
    assert drawn_box(scale=20) == (70, 50, 91, 71)
    assert drawn_box(mirror=-1.0) == (30, 50, 41, 61)
    assert drawn_box(degrees=180) == (30, 40, 41, 51)


def test_a_moved_pen_has_its_origin_in_the_coordinates_of_the_first() -> None:
    image = Image.new("RGB", (100, 100))
    pen = Pen(canvas=ImageDraw.Draw(image), x=50, y=50, scale=10).moved(2, 1, scale=0.5)
    pen.blob((0, 0), (1, 1), RED)
    left, top, right, bottom = image.getbbox() or (0, 0, 0, 0)
    assert ((left + right) // 2, (top + bottom) // 2) == (70, 60)
    assert right - left == 11


def test_a_thin_line_is_at_least_one_pixel_wide() -> None:
    image = Image.new("RGB", (20, 20))
    Pen(canvas=ImageDraw.Draw(image), x=0, y=10, scale=10).line((0, 0), (1.9, 0), 0.001, RED)
    assert np.count_nonzero(np.asarray(image)[..., 0]) == 20
