"""A pen that draws smooth shapes in its own coordinates, which can be moved, rotated, scaled and mirrored."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import ImageDraw

Point = tuple[float, float]
Color = tuple[int, int, int]

# Corners of an ellipse's outline, and straight pieces of a curve.
ELLIPSE_CORNERS = 28
CURVE_PIECES = 14


@dataclass(frozen=True, kw_only=True)
class Pen:
    """Draws on a canvas.

    x, y: the origin, in pixels. scale: pixels in a unit. degrees: rotation, clockwise. mirror: -1.0 mirrors
    horizontally, 1.0 does not.
    """

    canvas: ImageDraw.ImageDraw
    x: float
    y: float
    scale: float
    degrees: float = 0.0
    mirror: float = 1.0

    def moved(self, x: float, y: float, degrees: float = 0.0, scale: float = 1.0) -> "Pen":
        """A pen with its origin at (x, y) of this pen, rotated and scaled in addition."""
        pixel_x, pixel_y = self._pixel((x, y))
        degrees = self.degrees + self.mirror * degrees
        return replace(self, x=pixel_x, y=pixel_y, degrees=degrees, scale=self.scale * scale)

    def polygon(self, points: Sequence[Point], fill: Color) -> None:
        """Draw a filled polygon."""
        self.canvas.polygon([self._pixel(point) for point in points], fill=fill)

    def blob(self, center: Point, radii: Point, fill: Color, degrees: float = 0.0) -> None:
        """Draw a filled ellipse, rotated clockwise about its center."""
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        outline = []
        for corner in range(ELLIPSE_CORNERS):
            angle = 2 * math.pi * corner / ELLIPSE_CORNERS
            x, y = radii[0] * math.cos(angle), radii[1] * math.sin(angle)
            outline.append((center[0] + x * cos - y * sin, center[1] + x * sin + y * cos))
        self.polygon(outline, fill)

    def curve(self, start: Point, bend: Point, end: Point, width: float, fill: Color) -> None:
        """Draw a quadratic Bézier curve with round ends."""
        points = [_between(start, bend, end, step / CURVE_PIECES) for step in range(CURVE_PIECES + 1)]
        for a, b in itertools.pairwise(points):
            self.line(a, b, width, fill)
        for point in points:
            self.blob(point, (width / 2, width / 2), fill)

    def line(self, start: Point, end: Point, width: float, fill: Color) -> None:
        """Draw a straight line, at least one pixel wide."""
        pixels = max(1, round(width * self.scale))
        self.canvas.line([self._pixel(start), self._pixel(end)], fill=fill, width=pixels)

    def _pixel(self, point: Point) -> Point:
        cos, sin = math.cos(math.radians(self.degrees)), math.sin(math.radians(self.degrees))
        x, y = self.mirror * point[0] * self.scale, point[1] * self.scale
        return self.x + x * cos - y * sin, self.y + x * sin + y * cos


def _between(start: Point, bend: Point, end: Point, t: float) -> Point:
    a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
    return a * start[0] + b * bend[0] + c * end[0], a * start[1] + b * bend[1] + c * end[1]
