import itertools

import pytest
from matplotlib.transforms import Bbox

from benchmarks.rendering.label_placement import nearest_point, place_labels

BOUNDS = Bbox.from_bounds(0, 0, 700, 400)
GAP = 6.0


def points(*anchors: tuple[float, float]) -> list[Bbox]:
    return [Bbox.from_bounds(x, y, 0, 0) for x, y in anchors]


def overlap(a: Bbox, b: Bbox) -> bool:
    """True when two boxes have more than an edge in common."""
    common = Bbox.intersection(a, b)
    return common is not None and common.width > 1e-9 and common.height > 1e-9


@pytest.mark.parametrize("distance", [0.0, 0.5, 9.0])
@pytest.mark.parametrize("count", [1, 2, 12, 60])
def test_no_two_labels_overlap_however_crowded_the_points(count: int, distance: float) -> None:
    anchors = [(350 + i * distance, 200.0) for i in range(count)]
    boxes = place_labels(points(*anchors), [(90.0, 14.0)] * count, BOUNDS, GAP)
    placed = [box for box in boxes if box]
    assert len(placed) == count
    assert not any(overlap(a, b) for a, b in itertools.combinations(placed, 2))
    assert all(BOUNDS.x0 <= box.x0 and box.x1 <= BOUNDS.x1 for box in placed)
    assert all(BOUNDS.y0 <= box.y0 and box.y1 <= BOUNDS.y1 for box in placed)
    assert not any(box.count_overlaps([mark.padded(1) for mark in points(*anchors)]) for box in placed)


def test_no_label_covers_an_interval() -> None:
    marks = [Bbox([(100.0 + i, 200.0), (400.0, 200.0)]) for i in range(5)]
    boxes = [box for box in place_labels(marks, [(90.0, 14.0)] * 5, BOUNDS, GAP) if box]
    assert len(boxes) == 5
    assert not any(box.count_overlaps([mark.padded(1) for mark in marks]) for box in boxes)
    assert boxes[0].x0 == 406


def test_a_label_without_neighbors_is_right_of_its_point_and_left_at_the_edge() -> None:
    sizes = [(90.0, 14.0), (90.0, 14.0)]
    first, second = place_labels(points((100.0, 200.0), (690.0, 300.0)), sizes, BOUNDS, GAP)
    assert first and first.x0 == 106 and (first.y0 + first.y1) / 2 == 200
    assert second and second.x1 == 684


def test_a_point_without_a_label_is_not_covered() -> None:
    beside = Bbox.from_bounds(130.0, 200.0, 0, 0)
    (box,) = place_labels([*points((100.0, 200.0)), beside], [(90.0, 14.0)], BOUNDS, GAP)
    assert box and box.x1 == 94


def test_the_placement_is_the_same_each_time() -> None:
    anchors = [(350 + i, 200.0 + i % 3) for i in range(20)]
    first, second = (place_labels(points(*anchors), [(90.0, 14.0)] * 20, BOUNDS, GAP) for _ in range(2))
    assert [box and box.bounds for box in first] == [box and box.bounds for box in second]


def test_a_label_that_fits_nowhere_is_left_out() -> None:
    assert place_labels(points((50.0, 50.0)), [(800.0, 14.0)], BOUNDS, GAP) == [None]


def test_a_line_ends_at_the_closest_point_of_the_label() -> None:
    box = Bbox.from_bounds(10, 10, 20, 5)
    assert nearest_point(box, (0.0, 0.0)) == (10, 10)
    assert nearest_point(box, (15.0, 40.0)) == (15, 15)
