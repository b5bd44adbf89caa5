"""Labels beside points, placed so that no label covers another one or a point."""

from collections.abc import Iterator, Sequence

from matplotlib.transforms import Bbox

Pair = tuple[float, float]


def place_labels(anchors: Sequence[Pair], sizes: Sequence[Pair], bounds: Bbox, gap: float) -> list[Bbox | None]:
    """A box for each label, inside the bounds and as close to its anchor as possible; None where no space is left.

    anchors: the points. sizes: width and height of the labels. gap: distance from an anchor, in the same unit.
    """
    obstacles = [Bbox.from_bounds(x - gap, y - gap, 2 * gap, 2 * gap) for x, y in anchors]
    boxes: list[Bbox | None] = []
    for anchor, size in zip(anchors, sizes, strict=True):
        inside = (box for box in _candidates(anchor, size, bounds, gap) if _contains(bounds, box))
        box = next((box for box in inside if not box.count_overlaps(obstacles)), None)
        boxes.append(box)
        obstacles += [box] if box else []
    return boxes


def nearest_point(box: Bbox, anchor: Pair) -> Pair:
    """The point of a box that is closest to an anchor: where a line to the label ends."""
    return min(max(anchor[0], box.x0), box.x1), min(max(anchor[1], box.y0), box.y1)


def _candidates(anchor: Pair, size: Pair, bounds: Bbox, gap: float) -> Iterator[Bbox]:
    """Right and left of the anchor, then centered, in lines further and further away; at last anywhere."""
    (x, y), (width, height) = anchor, size
    count = int(bounds.height / height) + 1
    lines = sorted(range(-count, count + 1), key=abs)
    for line in lines:
        offset = line * height + (gap if line > 0 else -gap if line < 0 else 0)
        for left in (x + gap, x - gap - width, x - width / 2):
            yield Bbox.from_bounds(left, y - height / 2 + offset, width, height)
    steps = int(bounds.width / height) + 1
    for line in lines:
        for step in sorted(range(-steps, steps + 1), key=abs):
            yield Bbox.from_bounds(x + step * height, y - height / 2 + line * height, width, height)


def _contains(bounds: Bbox, box: Bbox) -> bool:
    return bool(bounds.x0 <= box.x0 and box.x1 <= bounds.x1 and bounds.y0 <= box.y0 and box.y1 <= bounds.y1)
