import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from temper.errors import UnreadableImage
from temper.images import AHEAD_PER_CORE, load_images, map_ahead


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def test_images_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{i}.png", Image.new("RGB", (9, 9), (i, i, i))) for i in range(40)]
    assert [int(pixels[0, 0, 0]) for pixels in load_images(paths, 4)] == list(range(40))


def test_work_ahead_is_bounded_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in itertools.count():
            taken.append(number)
            yield number

    results = map_ahead(lambda number: 2 * number, items())
    assert [next(results) for _ in range(30)] == [2 * number for number in range(30)]
    assert len(taken) <= 30 + 2 * AHEAD_PER_CORE
    results.close()  # type: ignore[attr-defined]


def test_an_error_is_raised_in_the_place_of_its_image(tmp_path: Path) -> None:
    good = save(tmp_path / "good.png", Image.new("RGB", (9, 9)))
    images = load_images([good, tmp_path / "none.png", good], 8)
    assert next(images).shape == (8, 8, 3)
    with pytest.raises(UnreadableImage, match=r"none\.png does not exist"):
        next(images)


def test_work_that_has_not_begun_is_given_up_after_an_interruption() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        time.sleep(0.02)
        return number

    results = map_ahead(work, range(100), ahead=50, workers=1)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(begun) < 10
