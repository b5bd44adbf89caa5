import http.server
import io
import stat
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.archive import Archive, download, unpack
from temper.errors import UserError

PICTURE = bytes(range(256)) * 8


def zipped(*names: str, link: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, PICTURE)
        if link:
            info = zipfile.ZipInfo(link)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


GOOD = zipped(
    "cats_and_dogs_filtered/vectorize.py",
    *(
        f"cats_and_dogs_filtered/{part}/{label}s/{label}.1.jpg"
        for part in ("train", "validation")
        for label in ("cat", "dog")
    ),
)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `body` from where it is asked to; with `stop`, no more than so many bytes of it."""

    body = b""
    stop: int | None = None
    ranges = True

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        start = int(asked[6:-1]) if asked and self.ranges else 0
        self.send_response(206 if start else 200)
        self.end_headers()
        self.wfile.write(self.body[start : self.stop])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, type[Handler]]]:
    handler = type("OneHandler", (Handler,), {"body": GOOD})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}/photos.zip", handler
        serving.shutdown()
        thread.join()


def test_an_archive_is_fetched_and_unpacked_into_our_layout(server: tuple[str, type[Handler]], tmp_path: Path) -> None:
    target = tmp_path / "photos.zip.part"
    assert list(download(Archive(server[0], len(GOOD)), target))[-1] == len(GOOD)
    assert unpack(target, tmp_path / "photos") == 4
    found = sorted(path.relative_to(tmp_path / "photos").as_posix() for path in (tmp_path / "photos").rglob("*.*"))
    pictures = [f"{part}/{label}/{label}.1.jpg" for part in ("test", "train") for label in ("cat", "dog")]
    assert found == ["about.json", *pictures]
    assert (tmp_path / "photos" / pictures[0]).read_bytes() == PICTURE


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_fetch_goes_on_or_starts_again(
    server: tuple[str, type[Handler]], tmp_path: Path, ranges: bool
) -> None:
    url, handler = server
    handler.stop, target = 500, tmp_path / "part"
    with pytest.raises(UserError, match=r"ended after 500 of .* it goes on"):
        list(download(Archive(url, len(GOOD)), target))
    handler.stop, handler.ranges = None, ranges
    list(download(Archive(url, len(GOOD)), target))
    assert target.read_bytes() == GOOD


def test_a_longer_file_is_refused_and_removed(server: tuple[str, type[Handler]], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="another file"):
        list(download(Archive(server[0], len(GOOD) - 1), tmp_path / "part"))
    assert not (tmp_path / "part").exists()


def test_an_address_out_of_reach_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be fetched .* make train DATA=folder"):
        list(download(Archive("http://127.0.0.1:9/x.zip", 10), tmp_path / "part"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped("train/cats/../../../evil.jpg"), "unsafe"),
        (zipped("/train/cats/evil.jpg"), "unsafe"),
        (zipped("..\\train\\cats\\evil.jpg"), "unsafe"),
        (zipped("train/cats/cat.jpg", link="train/cats/link.jpg"), "unsafe"),
        (zipped("train/birds/bird.jpg"), "not cats_and_dogs_filtered"),
        (GOOD[:-30], "damaged"),
        (GOOD.replace(PICTURE, PICTURE[::-1]), "damaged"),
        (b"<html>not here</html>", "damaged"),
    ],
)
def test_a_bad_archive_leaves_nothing_behind(content: bytes, words: str, tmp_path: Path) -> None:
    source = tmp_path / "part"
    source.write_bytes(content)
    with pytest.raises(UserError, match=words):
        unpack(source, tmp_path / "photos")
    assert {path.name for path in tmp_path.iterdir()} <= {"part"}
