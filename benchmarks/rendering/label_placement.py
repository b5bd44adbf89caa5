"""Labels beside marks, placed so that no label covers another one or a mark."""

from collections.abc import Iterator, Sequence

from matplotlib.transforms import Bbox

Pair = tuple[float, float]


def place_labels(marks: Sequence[Bbox], sizes: Sequence[Pair], bounds: Bbox, gap: float) -> list[Bbox | None]:
    """A box for each label, inside the bounds and as close to its mark as possible; None where no space is left.

    marks: boxes of the points with their intervals; those beyond the labels have none, and are not covered.
    sizes: width and height of the labels. gap: distance between a mark and a label, in the same unit.
    """
    obstacles = [mark.padded(gap) for mark in marks]
    boxes: list[Bbox | None] = []
    for mark, size in zip(marks, sizes, strict=False):
        inside = (box for box in _candidates(mark, size, bounds, gap) if _contains(bounds, box))
        box = next((box for box in inside if not box.count_overlaps(obstacles)), None)
        boxes.append(box)
        obstacles += [box] if box else []
    return boxes


def nearest_point(box: Bbox, anchor: Pair) -> Pair:
    """The point of a box that is closest to an anchor: where a line to the label ends."""
    return min(max(anchor[0], box.x0), box.x1), min(max(anchor[1], box.y0), box.y1)


def _candidates(mark: Bbox, size: Pair, bounds: Bbox, gap: float) -> Iterator[Bbox]:
    """Right and left of the mark, then centered, in lines further and further away; at last anywhere."""
    x, y = (mark.x0 + mark.x1) / 2, (mark.y0 + mark.y1) / 2
    width, height = size
    count = int(bounds.height / height) + 1
    lines = sorted(range(-count, count + 1), key=abs)
    for line in lines:
        offset = line * height + (gap if line > 0 else -gap if line < 0 else 0)
        for left in (mark.x1 + gap, mark.x0 - gap - width, x - width / 2):
            yield Bbox.from_bounds(left, y - height / 2 + offset, width, height)
    steps = int(bounds.width / height) + 1
    for line in lines:
        for step in sorted(range(-steps, steps + 1), key=abs):
            yield Bbox.from_bounds(x + step * height, y - height / 2 + line * height, width, height)


def _contains(bounds: Bbox, box: Bbox) -> bool:
    return bool(bounds.x0 <= box.x0 and box.x1 <= bounds.x1 and bounds.y0 <= box.y0 and box.y1 <= bounds.y1)
