import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from temper.images import decode, load_images, pixels
from temper.images.budget import FILES, PIXELS, MemoryBudget, needed_bytes


def test_threads_together_never_reserve_more_than_there_is() -> None:
    budget, highest = MemoryBudget(100), 0

    def work(_: int) -> None:
        nonlocal highest
        with budget.reserve(40):
            highest = max(highest, budget.reserved)
            time.sleep(0.001)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(60)))
    assert highest == 80
    assert budget.reserved == 0


def test_one_image_that_is_larger_than_the_budget_runs_alone_and_in_its_turn_of_arrival() -> None:
    budget, order = MemoryBudget(100), []

    def work(bytes: int) -> None:
        with budget.reserve(bytes):
            order.append((bytes, budget.reserved))

    with budget.reserve(60), ThreadPoolExecutor(2) as pool:
        first = pool.submit(work, 500)
        while not budget._waiting:
            time.sleep(0.001)
        # It would fit, but a stream of small images must not keep the large one waiting for ever.
        second = pool.submit(work, 10)
        time.sleep(0.02)
        assert not order
        budget.reserved -= 60
        with budget._changed:
            budget._changed.notify_all()
        first.result(9)
        second.result(9)
        budget.reserved += 60
    assert order[0] == (500, 500)


def test_an_error_returns_what_was_reserved() -> None:
    budget = MemoryBudget(100)
    with pytest.raises(ValueError), budget.reserve(60):
        raise ValueError
    assert budget.reserved == 0


@pytest.mark.parametrize(
    ("mode", "options", "bytes"),
    [("RGB", {}, 8), ("L", {}, 2), ("I;16", {}, 3), ("RGBA", {}, 8), ("P", {}, 5)],
)
def test_the_stored_pixels_and_the_upright_ones_count(mode: str, options: dict[str, bool], bytes: int) -> None:
    image = Image.new(mode, (10, 10))
    assert needed_bytes(image, image.size) == 100 * bytes


def test_what_decoders_need_inside_counts(tmp_path: Path) -> None:
    image = Image.new("RGB", (100, 100))
    image.save(tmp_path / "a.jpg", progressive=True)
    image.save(tmp_path / "a.webp")
    with Image.open(tmp_path / "a.jpg") as progressive:
        assert needed_bytes(progressive, (100, 100)) == 10_000 * (8 + 6)
    with Image.open(tmp_path / "a.webp") as webp:
        assert needed_bytes(webp, (100, 100)) == 10_000 * (8 + 12)


def test_decoders_wait_for_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that need more than a half of the budget are decoded one at a time, whatever the number of threads."""
    running, highest, lock = 0, 0, threading.Lock()

    def watched(image: Image.Image, has_deep_pixels: bool) -> Image.Image:
        nonlocal running, highest
        with lock:
            running += 1
            highest = max(highest, running)
        time.sleep(0.01)
        result = pixels.upright(image, has_deep_pixels)
        with lock:
            running -= 1
        return result

    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr(decode, "upright", watched)
    monkeypatch.setattr(PIXELS, "total", 30_000)
    path = tmp_path / "a.png"
    Image.fromarray(np.full((100, 100), 40_000, np.uint16)).save(path)
    assert len(list(load_images([path] * 12, 8))) == 12
    assert highest == 1
    monkeypatch.setattr(PIXELS, "total", 90_000)
    assert len(list(load_images([path] * 12, 8))) == 12
    assert highest > 1
    assert (PIXELS.reserved, FILES.reserved) == (0, 0)
