"""The page in a real browser, of a model whose evidence is known."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from temper.dataset.split import Example
from tests.browsing import Open, Visit
from tests.train.page.conftest import CONFIG, HOSTILE, SIZE, WRONG, Squares
from train.evaluation.metrics import evaluate
from train.network.build import build_model
from train.page.model_page import model_page

pytestmark = [pytest.mark.tensorflow, pytest.mark.programs]
MISTAKE = "#cell-0-1"


def has_no_error_and_no_request(visit: Visit, page: Path) -> bool:
    return visit.console == [] and [url for url in visit.requests if url[:5] != "data:"] == [page.as_uri()]


def test_a_click_on_a_cell_shows_its_images(squares: Squares, open_page: Open) -> None:
    visit = open_page(squares.page.as_uri())
    section = visit.page.locator(MISTAKE)
    assert not section.is_visible()
    visit.page.click(f"a[href='{MISTAKE}']")
    assert section.is_visible()
    assert section.locator("h3").inner_text() == f"{HOSTILE}, predicted as square: 1"
    assert section.locator("figcaption").inner_text().startswith(f"test/{HOSTILE}/{WRONG}\nsquare ")
    visit.page.click(f"{MISTAKE} a:text('Close')")
    assert not section.is_visible()
    assert has_no_error_and_no_request(visit, squares.page)


def test_the_keyboard_opens_a_cell_and_goes_on_in_it(squares: Squares, open_page: Open) -> None:
    visit = open_page(squares.page.as_uri())
    reached = []
    for _ in range(3):
        visit.page.keyboard.press("Tab")
        reached.append(visit.page.evaluate("document.activeElement.getAttribute('href')"))
    assert reached == ["#cell-0-0", MISTAKE, "#cell-1-1"]
    visit.page.keyboard.press("Shift+Tab")
    visit.page.keyboard.press("Enter")
    assert visit.page.locator(MISTAKE).is_visible()
    assert visit.page.evaluate("document.activeElement.id") == MISTAKE[1:]
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    assert not visit.page.locator(MISTAKE).is_visible()


def test_every_image_is_drawn_and_has_an_alternative_text(squares: Squares, open_page: Open) -> None:
    visit = open_page(squares.page.as_uri())
    images = visit.page.evaluate("[...document.images].map(each => [each.naturalWidth, each.alt])")
    assert len(images) > 20
    assert all(width > 0 and alt for width, alt in images)
    assert [f"where test/{HOSTILE}/{WRONG} speaks for square, not for {HOSTILE}" in alt for _, alt in images].count(
        True
    )
    labels = visit.page.evaluate("[...document.querySelectorAll('.matrix a')].map(each => each.ariaLabel)")
    assert labels[1] == f"1 of {HOSTILE} predicted as square: show images"


def test_it_follows_the_scheme_of_the_reader_fits_a_phone_and_prints(squares: Squares, open_page: Open) -> None:
    url = f"{squares.page.as_uri()}{MISTAKE}"
    light = open_page(url, color_scheme="light")
    dark = open_page(url, color_scheme="dark", viewport={"width": 360, "height": 740})
    assert light.lightness() > 600 > 200 > dark.lightness()
    assert light.lightness("#reliability text", "fill") < 330 < 400 < dark.lightness("#reliability text", "fill")
    assert dark.overflow() <= 0
    assert dark.console == []
    assert dark.page.pdf().startswith(b"%PDF")
    dark.page.emulate_media(media="print")
    assert dark.lightness() == 3 * 255


def test_it_shows_what_the_training_found(squares: Squares) -> None:
    text = squares.page.read_text(encoding="utf-8")
    assert "90.9 % of 11 held-out images are predicted correctly" in text
    for words in ("rotation 25", "Confusion matrix", "L-BFGS", "A single epoch: accuracy", "Suspect labels"):
        assert words in text
    assert not re.search(r"(?<!:)\b(src|href)=\"(?!data:|#)", text)
    assert HOSTILE not in text and "<script" not in text


def many_labels(count: int) -> tuple[tuple[str, ...], list[Example]]:
    labels = tuple(f"label {index}" for index in range(count))
    paths = [Path("d") / label / f"{index}.png" for label in labels for index in range(3)]
    return labels, [Example(path=path, label=path.parent.name, subset="test", sha256=str(path)) for path in paths]


def test_the_page_of_a_thousand_labels_lists_the_most_confused_and_stays_small(
    squares: Squares, open_page: Open
) -> None:
    labels, examples = many_labels(1000)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (len(examples), SIZE, SIZE, 3), dtype=np.uint8)
    targets = np.repeat(np.arange(1000), 3)
    # Every third label is predicted as the next one.
    confused = np.where(targets % 3 == 0, targets + 1, targets) % 1000
    probabilities = (np.eye(1000)[confused] * 0.9 + 0.1 / 1000).astype(np.float32)
    model = build_model(1000, SIZE, hidden_units=0, backbone="tiny")
    trained = replace(
        squares.trained, model=model, evaluation=evaluate(probabilities, targets, labels), pixels=pixels, suspects=None
    )
    path = squares.page.with_name("many.html")
    path.write_text(model_page("many", trained, Path("d"), examples, CONFIG), encoding="utf-8")
    assert path.stat().st_size < 2_000_000
    visit = open_page(f"{path.as_uri()}#cell-0-1")
    assert visit.page.locator("#cell-0-1 img").count() == 3
    assert visit.page.locator("h2#confusion").inner_text() == "Most confused labels"
    assert "The first 50 of 334 pairs" in visit.page.locator("h2#confusion + p").inner_text()
    assert visit.page.locator("#labels tbody tr").count() == 1000
    assert visit.overflow() <= 0


def test_names_that_are_no_text_do_not_end_the_training(squares: Squares, tmp_path: Path) -> None:
    folder = Path("caf\udce9")
    examples = [replace(each, path=folder / f"\udcff{each.path.name}") for each in squares.examples]
    labels = ("\udce9", "\x1b[2J")
    trained = replace(squares.trained, evaluation=replace(squares.trained.evaluation, labels=labels), suspects=None)
    text = model_page("model", trained, folder, [replace(each, label=labels[0]) for each in examples], CONFIG)
    (tmp_path / "model.html").write_text(text, encoding="utf-8")
    assert "\\xff" in text and "\x1b" not in text
