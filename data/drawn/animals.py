"""Draw a cat or a dog with a pen. Both have the same coats and poses; they differ in ears, faces and tails.

Coordinates: the animal fills [-0.5, 0.5] x [-0.5, 0.5], y points down; a head is about 0.4 wide.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from data.drawn.pen import Color, Pen

INK: Color = (38, 30, 32)
WHITE: Color = (250, 248, 244)
PINK: Color = (232, 142, 150)
COATS: tuple[Color, ...] = (
    (226, 152, 78), (92, 88, 92), (52, 48, 52), (238, 230, 216), (164, 116, 74), (196, 176, 148),
    (122, 128, 138), (112, 74, 50), (214, 184, 120), (176, 168, 164),
)  # fmt: skip
CAT_EYES: tuple[Color, ...] = ((150, 196, 84), (232, 190, 66), (110, 182, 206), (206, 138, 52))
DOG_EYES: tuple[Color, ...] = ((92, 58, 34), (62, 44, 36), (128, 84, 44), (112, 160, 190))
COLLARS: tuple[Color, ...] = ((198, 54, 58), (52, 96, 176), (70, 148, 92), (232, 178, 52), (138, 82, 160))


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """Colors and pose of one animal.

    shade, light: colors of the darker and the lighter parts of the fur. collar: None for no collar.
    direction: of the face, from -1 (left) to 1 (right). tilt: of the head, in degrees clockwise.
    """

    fur: Color
    shade: Color
    light: Color
    eye: Color
    collar: Color | None
    direction: float
    tilt: float


def draw_cat(pen: Pen, random: Random) -> None:
    """A sitting cat: pricked ears, slit pupils, whiskers, a long tail."""
    appearance = _random_appearance(random, CAT_EYES)
    side = random.choice((-1, 1))
    tip = (side * random.uniform(0.28, 0.44), random.uniform(-0.05, 0.2))
    pen.curve((side * 0.14, 0.42), (side * 0.5, 0.46), tip, random.uniform(0.05, 0.075), appearance.shade)
    _body(pen, appearance, width=random.uniform(0.155, 0.19))
    head = pen.moved(0, -0.16, appearance.tilt, random.uniform(0.95, 1.1))
    _cat_ears(head, appearance, random)
    head.blob((0, 0), (0.205, 0.17), appearance.fur)
    _markings(head, appearance, random)
    face = appearance.direction * 0.045
    for sign in (-1, 1):
        head.blob((face + sign * 0.04, 0.08), (0.055, 0.045), appearance.light)
        _cat_eye(head, (face + sign * 0.088, -0.015), sign, appearance, random)
        _whiskers(head, face + sign * 0.06, sign, appearance)
    nose = [(face - 0.026, 0.036), (face + 0.026, 0.036), (face, 0.064)]
    head.polygon(nose, PINK)
    _mouth(head, face, 0.064, 0.035)


def draw_dog(pen: Pen, random: Random) -> None:
    """A sitting dog: hanging ears, a long muzzle with a big nose, round eyes, often a tongue."""
    appearance = _random_appearance(random, DOG_EYES)
    side = random.choice((-1, 1))
    tip = (side * random.uniform(0.3, 0.38), random.uniform(0.12, 0.24))
    pen.curve((side * 0.14, 0.38), (side * 0.28, 0.4), tip, random.uniform(0.06, 0.09), appearance.shade)
    _body(pen, appearance, width=random.uniform(0.17, 0.215))
    head = pen.moved(0, -0.17, appearance.tilt, random.uniform(0.95, 1.1))
    head.blob((0, 0), (0.175, 0.185), appearance.fur)
    _markings(head, appearance, random)
    face = appearance.direction * 0.045
    for sign in (-1, 1):
        _dog_eye(head, (face + sign * 0.075, -0.045), appearance)
    drop = random.uniform(0.06, 0.09)
    if random.random() < 0.6:
        head.blob((face, drop + 0.1), (0.036, random.uniform(0.05, 0.075)), PINK)
    head.blob((face * 1.3, drop), (0.105, 0.082), appearance.light)
    head.blob((face * 1.5, drop - 0.04), (0.046, 0.034), INK)
    head.blob((face * 1.5 - 0.012, drop - 0.052), (0.012, 0.007), WHITE)
    _mouth(head, face * 1.4, drop - 0.01, 0.05)
    _dog_ears(head, appearance, random)


ANIMALS: dict[str, Callable[[Pen, Random], None]] = {"cat": draw_cat, "dog": draw_dog}


def _random_appearance(random: Random, eyes: tuple[Color, ...]) -> Appearance:
    fur = _varied(random.choice(COATS), random)
    return Appearance(
        fur=fur,
        shade=_mixed(fur, INK, random.uniform(0.12, 0.4)),
        light=_mixed(fur, WHITE, random.uniform(0.25, 0.9)),
        eye=random.choice(eyes),
        collar=random.choice(COLLARS) if random.random() < 0.4 else None,
        direction=random.uniform(-1, 1),
        tilt=random.gauss(0, 9),
    )


def _body(pen: Pen, appearance: Appearance, width: float) -> None:
    for sign in (-1, 1):
        pen.blob((sign * width * 0.8, 0.36), (0.1, 0.12), appearance.shade, -sign * 20)
    pen.blob((0, 0.2), (width, 0.27), appearance.fur)
    pen.blob((0, 0.12), (width * 0.55, 0.15), appearance.light)
    for sign in (-1, 1):
        pen.blob((sign * 0.065, 0.32), (0.05, 0.16), appearance.fur)
        pen.blob((sign * 0.07, 0.46), (0.062, 0.036), appearance.light)
        pen.line((sign * 0.07, 0.45), (sign * 0.07, 0.485), 0.006, appearance.shade)
    pen.line((0, 0.24), (0, 0.44), 0.008, appearance.shade)
    if appearance.collar:
        pen.blob((0, 0.02), (0.125, 0.04), appearance.collar)
        pen.blob((0, 0.065), (0.022, 0.022), (236, 200, 84))


def _markings(head: Pen, appearance: Appearance, random: Random) -> None:
    kind = random.choice(("plain", "stripes", "patch", "blaze"))
    if kind == "stripes":
        for x in (-0.05, 0.0, 0.05):
            head.curve((x * 1.2, -0.155), (x, -0.12), (x, -0.08), 0.018, appearance.shade)
        for sign in (-1, 1):
            head.line((sign * 0.19, 0.02), (sign * 0.13, 0.03), 0.014, appearance.shade)
    elif kind == "patch":
        head.blob((random.choice((-0.085, 0.085)), -0.03), (0.075, 0.085), appearance.shade)
    elif kind == "blaze":
        head.blob((0, -0.07), (0.03, 0.09), appearance.light)


def _cat_ears(head: Pen, appearance: Appearance, random: Random) -> None:
    height, spread = random.uniform(0.25, 0.31), random.uniform(0.15, 0.2)
    for sign in (-1, 1):
        outer, inner = (sign * 0.2, -0.02), (sign * 0.035, -0.14)
        tip = (sign * spread, -height)
        head.polygon([outer, tip, inner], appearance.fur)
        middle = tuple((a + b + c) / 3 for a, b, c in zip(outer, tip, inner, strict=True))
        small = [(0.55 * x + 0.45 * middle[0], 0.55 * y + 0.45 * middle[1]) for x, y in (outer, tip, inner)]
        head.polygon(small, _mixed(PINK, appearance.fur, 0.35))


def _dog_ears(head: Pen, appearance: Appearance, random: Random) -> None:
    length, width = random.uniform(0.1, 0.17), random.uniform(0.055, 0.075)
    lift = random.uniform(8, 34)
    for sign in (-1, 1):
        head.blob((sign * 0.18, length - 0.13), (width, length), appearance.shade, -sign * lift)


def _cat_eye(head: Pen, center: tuple[float, float], sign: int, appearance: Appearance, random: Random) -> None:
    if random.random() < 0.06:
        head.curve(
            (center[0] - 0.04, center[1]), (center[0], center[1] + 0.035), (center[0] + 0.04, center[1]), 0.014, INK
        )
        return
    head.blob(center, (0.052, 0.042), INK, -sign * 14)
    head.blob(center, (0.045, 0.036), appearance.eye, -sign * 14)
    head.blob(center, (0.013, 0.034), INK)
    head.blob((center[0] + 0.012, center[1] - 0.014), (0.009, 0.009), WHITE)


def _dog_eye(head: Pen, center: tuple[float, float], appearance: Appearance) -> None:
    head.blob(center, (0.038, 0.038), WHITE)
    head.blob(center, (0.031, 0.033), appearance.eye)
    head.blob(center, (0.019, 0.02), INK)
    head.blob((center[0] + 0.01, center[1] - 0.012), (0.009, 0.009), WHITE)
    head.curve(
        (center[0] - 0.035, center[1] - 0.052), (center[0], center[1] - 0.072), (center[0] + 0.035, center[1] - 0.052),
        0.012, appearance.shade,
    )  # fmt: skip


def _whiskers(head: Pen, x: float, sign: int, appearance: Appearance) -> None:
    color = INK if sum(appearance.light) > 480 else WHITE
    for rise in (-0.045, 0.0, 0.04):
        head.line((x, 0.075 + rise / 4), (x + sign * 0.2, 0.075 + rise * 1.3), 0.006, color)


def _mouth(head: Pen, x: float, y: float, width: float) -> None:
    for sign in (-1, 1):
        head.curve((x, y), (x + sign * width * 0.5, y + 0.05), (x + sign * width, y + 0.026), 0.008, INK)


def _varied(color: Color, random: Random) -> Color:
    shift = random.gauss(0, 12)
    red, green, blue = (max(0, min(255, round(channel + shift + random.gauss(0, 6)))) for channel in color)
    return red, green, blue


def _mixed(color: Color, other: Color, fraction: float) -> Color:
    """A color between `color` (fraction 0) and `other` (fraction 1)."""
    red, green, blue = (round(a + (b - a) * fraction) for a, b in zip(color, other, strict=True))
    return red, green, blue
