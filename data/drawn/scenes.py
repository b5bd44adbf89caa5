"""A picture of the drawn sample: an animal somewhere in a scene, seen through an imperfect camera."""

import colorsys
import math
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from data.drawn.animals import ANIMALS
from data.drawn.pen import Color, Pen

SIDE = 128
# Drawn at twice the size and halved: smooth edges.
FINE = 2


def draw_picture(label: str, seed: str) -> Image.Image:
    """An RGB picture of SIDE x SIDE pixels of a label ("cat" or "dog"); equal seeds give equal pictures."""
    random = Random(seed)
    picture = _backdrop(random, SIDE * FINE)
    canvas = ImageDraw.Draw(picture)
    for _ in range(random.randrange(4)):
        _thing(canvas, random, SIDE * FINE)
    ANIMALS[label](_placed(canvas, random, SIDE * FINE), random)
    if random.random() < 0.35:
        _grass(canvas, random, SIDE * FINE)
    return _seen(picture.reduce(FINE), random)


def _placed(canvas: ImageDraw.ImageDraw, random: Random, side: int) -> Pen:
    if random.random() < 0.4:  # a portrait: the head fills the picture
        scale, y = random.uniform(1.25, 1.75), random.uniform(0.62, 0.8)
    else:
        scale, y = random.uniform(0.68, 1.05), random.uniform(0.46, 0.56)
    x = random.uniform(0.5 - 0.14 / scale, 0.5 + 0.14 / scale)
    return Pen(canvas, x * side, y * side, scale * side, random.gauss(0, 8), random.choice((-1.0, 1.0)))


def _backdrop(random: Random, side: int) -> Image.Image:
    wall, floor = _color(random), _color(random)
    column = np.linspace(0, 1, side)[:, None, None]
    shade = np.array(wall) * (1 - 0.3 * column) + 60 * column * random.random()
    pixels = np.broadcast_to(shade, (side, side, 3)).copy()
    horizon = round(side * random.uniform(0.5, 0.95))
    pixels[horizon:] = floor
    picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    pattern = random.choice(("plain", "stripes", "dots", "blur"))
    canvas = ImageDraw.Draw(picture)
    if pattern in ("stripes", "dots"):
        _wallpaper(canvas, random, side, horizon)
    return picture.filter(ImageFilter.GaussianBlur(side / 30)) if pattern == "blur" else picture


def _wallpaper(canvas: ImageDraw.ImageDraw, random: Random, side: int, horizon: int) -> None:
    color, step = _color(random), round(side * random.uniform(0.06, 0.16))
    if random.random() < 0.5:
        for x in range(0, side, step):
            canvas.rectangle((x, 0, x + step // 3, horizon), fill=color)
        return
    for x in range(0, side, step):
        for y in range(0, horizon, step):
            canvas.ellipse((x, y, x + step // 3, y + step // 3), fill=color)


def _thing(canvas: ImageDraw.ImageDraw, random: Random, side: int) -> None:
    # Triangles and hanging ovals stand about as well, so that one such shape alone tells nothing.
    x, y, size = random.random() * side, random.random() * side, side * random.uniform(0.05, 0.16)
    pen = Pen(canvas, x, y, size, random.uniform(0, 360))
    kind = random.choice(("oval", "triangle", "box"))
    if kind == "oval":
        pen.blob((0, 0), (random.uniform(0.3, 1.0), 1.0), _color(random))
    else:
        corners = 3 if kind == "triangle" else 4
        turns = [2 * math.pi * corner / corners for corner in range(corners)]
        pen.polygon([(math.cos(turn), math.sin(turn)) for turn in turns], _color(random))


def _grass(canvas: ImageDraw.ImageDraw, random: Random, side: int) -> None:
    color = (random.randrange(40, 120), random.randrange(110, 180), random.randrange(40, 90))
    pen = Pen(canvas, 0, side, side)
    for _ in range(random.randrange(12, 40)):
        x, lean, height = random.random(), random.gauss(0, 0.03), random.uniform(0.04, 0.16)
        pen.polygon([(x - 0.012, 0), (x + 0.012, 0), (x + lean, -height)], color)


def _seen(picture: Image.Image, random: Random) -> Image.Image:
    picture = ImageEnhance.Brightness(picture).enhance(random.uniform(0.7, 1.2))
    picture = ImageEnhance.Contrast(picture).enhance(random.uniform(0.75, 1.15))
    if random.random() < 0.5:
        picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.2)))
    grain = np.random.default_rng(random.getrandbits(32)).normal(0, random.uniform(0, 12), (SIDE, SIDE, 3))
    return Image.fromarray((np.asarray(picture) + grain).clip(0, 255).astype(np.uint8))


def _color(random: Random) -> Color:
    hue, saturation, value = random.random(), random.uniform(0.1, 0.55), random.uniform(0.35, 0.95)
    red, green, blue = (round(255 * channel) for channel in colorsys.hsv_to_rgb(hue, saturation, value))
    return red, green, blue
