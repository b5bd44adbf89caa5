"""Draw one image of the sample: an animal in front of a background, with the effects of a camera."""

import colorsys
import math
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from data.drawn.animals import ANIMALS
from data.drawn.pen import Color, Pen

SIDE = 128
# Images are drawn at this multiple of their size and reduced, which makes edges smooth.
SUPERSAMPLING = 2


def draw_image(label: str, seed: str) -> Image.Image:
    """An RGB image, SIDE x SIDE pixels, of a label ("cat" or "dog"); equal seeds give equal images."""
    random, side = Random(seed), SIDE * SUPERSAMPLING
    image = _background(random, side)
    canvas = ImageDraw.Draw(image)
    for _ in range(random.randrange(4)):
        _draw_object(canvas, random, side)
    ANIMALS[label](_animal_pen(canvas, random, side), random)
    if random.random() < 0.35:
        _draw_grass(canvas, random, side)
    return _camera_effects(image.reduce(SUPERSAMPLING), random)


def _animal_pen(canvas: ImageDraw.ImageDraw, random: Random, side: int) -> Pen:
    if random.random() < 0.4:  # a portrait: the head fills the image
        scale, y = random.uniform(1.25, 1.75), random.uniform(0.62, 0.8)
    else:
        scale, y = random.uniform(0.68, 1.05), random.uniform(0.46, 0.56)
    x = random.uniform(0.5 - 0.14 / scale, 0.5 + 0.14 / scale)
    degrees, mirror = random.gauss(0, 8), random.choice((-1.0, 1.0))
    return Pen(canvas=canvas, x=x * side, y=y * side, scale=scale * side, degrees=degrees, mirror=mirror)


def _background(random: Random, side: int) -> Image.Image:
    wall, floor = _random_color(random), _random_color(random)
    column = np.linspace(0, 1, side)[:, None, None]
    shade = np.array(wall) * (1 - 0.3 * column) + 60 * column * random.random()
    pixels = np.broadcast_to(shade, (side, side, 3)).copy()
    horizon = round(side * random.uniform(0.5, 0.95))
    pixels[horizon:] = floor
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    pattern = random.choice(("plain", "stripes", "dots", "blur"))
    if pattern in ("stripes", "dots"):
        _draw_wallpaper(ImageDraw.Draw(image), random, side, horizon)
    return image.filter(ImageFilter.GaussianBlur(side / 30)) if pattern == "blur" else image


def _draw_wallpaper(canvas: ImageDraw.ImageDraw, random: Random, side: int, horizon: int) -> None:
    color, step = _random_color(random), round(side * random.uniform(0.06, 0.16))
    if random.random() < 0.5:
        for x in range(0, side, step):
            canvas.rectangle((x, 0, x + step // 3, horizon), fill=color)
        return
    for x in range(0, side, step):
        for y in range(0, horizon, step):
            canvas.ellipse((x, y, x + step // 3, y + step // 3), fill=color)


def _draw_object(canvas: ImageDraw.ImageDraw, random: Random, side: int) -> None:
    # Both labels get triangles and ovals in the background: a single shape like an ear does not reveal the label.
    x, y, size = random.random() * side, random.random() * side, side * random.uniform(0.05, 0.16)
    pen = Pen(canvas=canvas, x=x, y=y, scale=size, degrees=random.uniform(0, 360))
    kind = random.choice(("oval", "triangle", "box"))
    if kind == "oval":
        pen.blob((0, 0), (random.uniform(0.3, 1.0), 1.0), _random_color(random))
    else:
        corners = 3 if kind == "triangle" else 4
        angles = [2 * math.pi * corner / corners for corner in range(corners)]
        pen.polygon([(math.cos(angle), math.sin(angle)) for angle in angles], _random_color(random))


def _draw_grass(canvas: ImageDraw.ImageDraw, random: Random, side: int) -> None:
    color = (random.randrange(40, 120), random.randrange(110, 180), random.randrange(40, 90))
    pen = Pen(canvas=canvas, x=0, y=side, scale=side)
    for _ in range(random.randrange(12, 40)):
        x, lean, height = random.random(), random.gauss(0, 0.03), random.uniform(0.04, 0.16)
        pen.polygon([(x - 0.012, 0), (x + 0.012, 0), (x + lean, -height)], color)


def _camera_effects(image: Image.Image, random: Random) -> Image.Image:
    image = ImageEnhance.Brightness(image).enhance(random.uniform(0.7, 1.2))
    image = ImageEnhance.Contrast(image).enhance(random.uniform(0.75, 1.15))
    if random.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.2)))
    noise = np.random.default_rng(random.getrandbits(32)).normal(0, random.uniform(0, 12), (SIDE, SIDE, 3))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


def _random_color(random: Random) -> Color:
    hue, saturation, value = random.random(), random.uniform(0.1, 0.55), random.uniform(0.35, 0.95)
    red, green, blue = (round(255 * channel) for channel in colorsys.hsv_to_rgb(hue, saturation, value))
    return red, green, blue
