"""The page in a real browser, against a real server."""

import base64
import json
import shutil
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Route

from temper.serve.settings import Limits
from tests.browsing import Open, Visit
from tests.temper.serve.page.conftest import HOSTILE, served

pytestmark = pytest.mark.programs
PASTE_TOKEN = """document.querySelector("#token input").dispatchEvent(
  new ClipboardEvent("paste", { clipboardData: new DataTransfer(), bubbles: true }))"""


def post(server: str, path: Path) -> dict[str, object]:
    request = urllib.request.Request(f"{server}v2/models/model/classify", path.read_bytes(), method="POST")
    with urllib.request.urlopen(request) as response:
        content: dict[str, object] = json.load(response)
    return content


def transfer(visit: Visit, event: str, *paths: Path) -> None:
    """Dispatch a drop or a paste that carries real files."""
    files = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in paths]
    visit.page.evaluate(
        """([event, files]) => {
          const data = new DataTransfer();
          for (const [name, text] of files)
            data.items.add(new File([Uint8Array.from(atob(text), c => c.charCodeAt())], name));
          const made = event === "drop" ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
                                        : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
          document.querySelector("#add").dispatchEvent(made);
        }""",
        [event, files],
    )


def expected(result: dict[str, object]) -> list[str]:
    predictions: list[dict[str, object]] = result["predictions"]  # type: ignore[assignment]
    return [f"{each['label']} {100 * float(str(each['probability'])):.1f} %" for each in predictions]


def bars(visit: Visit) -> list[str]:
    return [
        " ".join(row.locator("span:not(.track):not(.track span)").all_inner_texts())
        for row in visit.page.locator("#list > li").first.locator(".bars li").all()
    ]


@pytest.fixture(scope="session")
def images(made_bundle: Path, server: str) -> dict[str, Path]:
    """One image of each kind of result."""
    kinds = {}
    for path in sorted((made_bundle.parent / "images").rglob("*.png")):
        result = post(server, path)
        first: dict[str, object] = result["predictions"][0]  # type: ignore[index]
        kinds["unknown" if result["unknown"] else str(first["label"])] = path
    assert set(kinds) == {"unknown", "blue", HOSTILE}
    return kinds


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_the_result_of_a_dropped_or_pasted_image_is_that_of_the_server(
    open_page: Open, server: str, images: dict[str, Path], event: str
) -> None:
    visit = open_page(server)
    transfer(visit, event, images["blue"])
    assert visit.results(1)[0].startswith("blue\n")
    assert bars(visit) == expected(post(server, images["blue"]))
    assert visit.page.locator("#status").inner_text().startswith(f"{images['blue'].name}: blue. ")
    assert visit.page.evaluate("document.querySelector('#list img').naturalWidth") > 0
    assert visit.console == []
    assert all(url.startswith((server, f"blob:{server}")) for url in visit.requests)


def test_labels_and_file_names_are_text(open_page: Open, server: str, images: dict[str, Path], tmp_path: Path) -> None:
    name = "<img src=x onerror=console.error(1)>.png"
    (tmp_path / name).write_bytes(images[HOSTILE].read_bytes())
    visit = open_page(server)
    transfer(visit, "drop", tmp_path / name)
    text = visit.results(1)[0]
    assert text.startswith(f"{HOSTILE}\n") and name in text
    assert HOSTILE in visit.page.locator("#about").inner_text()
    assert visit.console == []
    assert visit.page.locator("img").count() == 1


def test_an_image_below_the_threshold_is_unknown(open_page: Open, server: str, images: dict[str, Path]) -> None:
    visit = open_page(server)
    visit.page.set_input_files("#files", images["unknown"])
    assert visit.results(1)[0].startswith("Unknown\nNo label reaches the threshold of 75.0 %. The closest is ")


def test_several_images_give_a_result_each_and_a_text_file_a_sentence(
    open_page: Open, server: str, images: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no image", encoding="utf-8")
    visit = open_page(server)
    files = [tmp_path / "notes.txt", *images.values(), *images.values()]
    visit.page.set_input_files("#files", files)
    first, *others = visit.results(7)
    assert first.startswith("Not classified\n") and "not an image" in first and "notes.txt" in first
    assert [next(path.name for path in files[1:] if path.name in text) for text in others] == [
        f.name for f in files[1:]
    ]
    assert visit.page.locator("#summary").inner_text() == "7 images, 2 unknown, 1 not classified"
    # Of the 400, by the browser itself.
    assert ["400" in text for text in visit.console] == [True]


def test_a_file_beyond_the_limit_of_the_server_is_not_sent(open_page: Open, server: str, tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(Limits().body_bytes + 1)
    visit = open_page(server)
    visit.page.set_input_files("#files", path)
    assert "The file has 67.1 MB; this server takes at most 67.1 MB." in visit.results(1)[0]
    assert not [url for url in visit.requests if "classify" in url]
    assert visit.console == []


# A server of its own, with two models, and a page.
@pytest.mark.slow
def test_of_several_models_the_selected_one_classifies(
    open_page: Open, artifact: Path, images: dict[str, Path], tmp_path: Path
) -> None:
    for path in artifact.parent.glob("model.golden.*"):
        shutil.copy(path, tmp_path)
    for suffix in ("", ".json"):
        shutil.copy(f"{artifact}{suffix}", tmp_path / f"second.onnx{suffix}")
    with served(artifact, tmp_path / "second.onnx") as (url, _):
        visit = open_page(url)
        visit.page.set_input_files("#files", images["blue"])
        assert visit.results(1)[0].endswith("· model")
        visit.page.select_option("#model", "second")
        visit.page.set_input_files("#files", images["blue"])
        assert visit.results(2)[0].endswith("· second")
        assert "second.onnx" in visit.page.locator("#about dl").inner_text()
        assert visit.console == []


def test_the_keyboard_is_enough(open_page: Open, server: str, images: dict[str, Path]) -> None:
    visit = open_page(server)
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.id") == "choose"
    assert visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    with visit.page.expect_file_chooser() as chooser:
        visit.page.keyboard.press("Enter")
    chooser.value.set_files(images["blue"])
    visit.results(1)
    visit.page.locator("#clear").focus()
    visit.page.keyboard.press("Enter")
    assert visit.page.locator("#results").is_hidden()
    assert visit.page.evaluate("document.activeElement.id") == "choose"


def test_a_frame_of_the_camera_is_classified(open_page: Open, server: str) -> None:
    visit = open_page(server)
    visit.page.click("#use-camera")
    visit.page.click("#capture")
    assert "camera.jpg" in visit.results(1)[0]
    assert visit.page.evaluate("document.querySelector('video').srcObject") is None
    assert visit.console == []


def test_a_busy_server_is_asked_again_after_the_time_that_it_names(
    open_page: Open, server: str, images: dict[str, Path]
) -> None:
    visit = open_page(server)
    refused: list[str] = []

    def refuse_twice(route: Route) -> None:
        if len(refused) == 2:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=503, headers={"Retry-After": "0.2"}, json={"error": "the queue is full"})

    visit.page.route("**/classify*", refuse_twice)
    visit.page.set_input_files("#files", images["blue"])
    visit.page.wait_for_selector("text=The server is busy")
    assert visit.results(1)[0].startswith("blue\n")
    assert len(refused) == 2


def test_a_token_is_asked_for_and_a_wrong_one_is_refused_and_a_server_that_is_gone_gives_a_sentence(
    open_page: Open, artifact: Path, images: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("a-token-that-is-long-enough-0123\n", encoding="utf-8")
    with served(artifact, "--token-file", tmp_path / "token") as (url, process):
        visit = open_page(url, "#token[open]")
        visit.page.evaluate(PASTE_TOKEN)
        assert visit.page.locator("#notice").is_hidden(), "text for this field is not an image"
        visit.page.fill("#token input", "wrong")
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector("text=The server did not accept this token.")
        visit.page.fill("#token input", "a-token-that-is-long-enough-0123")
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector("#about:not([hidden])", state="attached")
        visit.page.set_input_files("#files", images["blue"])
        assert visit.results(1)[0].startswith("blue\n")
        process.terminate()
        process.wait(timeout=20)
        visit.page.set_input_files("#files", images["blue"])
        assert visit.results(2)[0].startswith("Not classified\nThe server cannot be reached.")
        assert "The server cannot be reached." in visit.page.locator("#notice").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_scheme_of_the_reader_and_fits_a_phone(
    open_page: Open, server: str, images: dict[str, Path], scheme: str
) -> None:
    visit = open_page(server, color_scheme=scheme, viewport={"width": 360, "height": 740})
    visit.page.set_input_files("#files", [images["blue"], images[HOSTILE]])
    visit.results(2)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360
    background = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    lightness = sum(map(int, background[4:-1].split(",")))
    assert lightness > 700 if scheme == "light" else lightness < 100


def test_an_inline_script_would_be_refused(open_page: Open, server: str) -> None:
    visit = open_page(server)
    visit.page.evaluate(
        "() => { const s = document.createElement('script'); s.text = 'window.ran = 1'; document.body.append(s); }"
    )
    assert visit.page.evaluate("window.ran") is None
    assert "Content Security Policy" in visit.console[0]
