"""A pen that draws smooth shapes in coordinates of its own, wherever it was put."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import ImageDraw

Point = tuple[float, float]
Color = tuple[int, int, int]

SEGMENTS = 28
STROKES = 14


@dataclass(frozen=True)
class Pen:
    """Draws on a canvas; its unit is `scale` pixels, its origin (x, y) pixels, turned clockwise by `degrees`.

    mirror: -1.0 flips left and right, 1.0 does not.
    """

    canvas: ImageDraw.ImageDraw
    x: float
    y: float
    scale: float
    degrees: float = 0.0
    mirror: float = 1.0

    def moved(self, x: float, y: float, degrees: float = 0.0, scale: float = 1.0) -> "Pen":
        """A pen whose origin lies at (x, y) of this one, turned and scaled further."""
        pixel_x, pixel_y = self._pixel((x, y))
        degrees = self.degrees + self.mirror * degrees
        return replace(self, x=pixel_x, y=pixel_y, degrees=degrees, scale=self.scale * scale)

    def polygon(self, points: Sequence[Point], fill: Color) -> None:
        """A filled polygon."""
        self.canvas.polygon([self._pixel(point) for point in points], fill=fill)

    def blob(self, centre: Point, radii: Point, fill: Color, degrees: float = 0.0) -> None:
        """A filled ellipse, turned clockwise about its centre."""
        turn = math.radians(degrees)
        outline = []
        for step in range(SEGMENTS):
            angle = 2 * math.pi * step / SEGMENTS
            a, b = radii[0] * math.cos(angle), radii[1] * math.sin(angle)
            outline.append(
                (
                    centre[0] + a * math.cos(turn) - b * math.sin(turn),
                    centre[1] + a * math.sin(turn) + b * math.cos(turn),
                )
            )
        self.polygon(outline, fill)

    def curve(self, start: Point, bend: Point, end: Point, width: float, fill: Color) -> None:
        """A round-ended quadratic Bézier line."""
        points = [_between(start, bend, end, step / STROKES) for step in range(STROKES + 1)]
        for a, b in itertools.pairwise(points):
            self.line(a, b, width, fill)
        for point in points:
            self.blob(point, (width / 2, width / 2), fill)

    def line(self, start: Point, end: Point, width: float, fill: Color) -> None:
        """A straight line, at least one pixel wide."""
        pixels = max(1, round(width * self.scale))
        self.canvas.line([self._pixel(start), self._pixel(end)], fill=fill, width=pixels)

    def _pixel(self, point: Point) -> Point:
        turn = math.radians(self.degrees)
        a, b = self.mirror * point[0] * self.scale, point[1] * self.scale
        return self.x + a * math.cos(turn) - b * math.sin(turn), self.y + a * math.sin(turn) + b * math.cos(turn)


def _between(start: Point, bend: Point, end: Point, t: float) -> Point:
    near, middle, far = (1 - t) ** 2, 2 * t * (1 - t), t**2
    return (
        near * start[0] + middle * bend[0] + far * end[0],
        near * start[1] + middle * bend[1] + far * end[1],
    )
