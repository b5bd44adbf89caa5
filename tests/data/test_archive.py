import contextlib
import http.server
import io
import re
import stat
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.archive import MAX_EXPANSION, Archive, download, unpack
from data.transfer import CHUNK_BYTES
from temper.dataset.listing import dataset_title
from temper.errors import DataError, UsageError
from temper.storage.digest import sha256_of

IMAGE = bytes(range(256)) * 8


def zipped(*names: str, link: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, IMAGE)
        if link:
            info = zipfile.ZipInfo(link)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


GOOD = zipped(
    "cats_and_dogs_filtered/vectorize.py",
    *(
        f"cats_and_dogs_filtered/{subset}/{label}s/{label}.1.jpg"
        for subset in ("train", "validation")
        for label in ("cat", "dog")
    ),
)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `body`, from the start of the requested range; ends at byte `stop` if that is given."""

    body = b""
    stop: int | None = None
    ranges = True

    def do_GET(self) -> None:
        requested = self.headers.get("Range", "")
        start = int(requested[6:-1]) if requested and self.ranges else 0
        self.send_response(206 if start else 200)
        self.end_headers()
        with contextlib.suppress(ConnectionError):
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


def archive_at(url: str, content: bytes = GOOD, sha256: str = "") -> Archive:
    return Archive(url=url, size=len(content), sha256=sha256)


def test_an_archive_is_downloaded_and_unpacked_to_the_folders_of_a_dataset(
    server: tuple[str, type[Handler]], tmp_path: Path
) -> None:
    target = tmp_path / "photos.zip.part"
    download(archive_at(server[0]), target)
    assert unpack(target, tmp_path / "photos") == 4
    files = sorted(path.relative_to(tmp_path / "photos").as_posix() for path in (tmp_path / "photos").rglob("*.*"))
    images = [f"{subset}/{label}/{label}.1.jpg" for subset in ("test", "train") for label in ("cat", "dog")]
    assert files == ["about.json", *images]
    assert (tmp_path / "photos" / images[0]).read_bytes() == IMAGE
    assert dataset_title(tmp_path / "photos") == "photos of photos"


def test_progress_ends_when_all_bytes_have_arrived(server: tuple[str, type[Handler]], tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    download(archive_at(server[0]), tmp_path / "part", lambda _, done, total: steps.append((done, total)))
    assert (set(steps), steps[-1]) == ({(0, 1), (1, 1)}, (1, 1))


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_download_continues_or_starts_again(
    server: tuple[str, type[Handler]], tmp_path: Path, ranges: bool
) -> None:
    url, handler = server
    handler.stop, target = 500, tmp_path / "part"
    with pytest.raises(DataError, match=r"ended after 500 of .* continues"):
        download(archive_at(url), target)
    handler.stop, handler.ranges = None, ranges
    download(archive_at(url), target)
    assert target.read_bytes() == GOOD


def test_a_complete_file_is_not_downloaded_again(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(GOOD)
    download(archive_at("http://127.0.0.1:9/x.zip"), tmp_path / "part")


def test_a_longer_file_is_refused_and_removed(server: tuple[str, type[Handler]], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="another file"):
        download(archive_at(server[0], GOOD[:-1]), tmp_path / "part")
    assert not (tmp_path / "part").exists()


def test_a_server_that_sends_without_an_end_does_not_fill_the_disk(
    server: tuple[str, type[Handler]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server[1].body = bytes(8 * CHUNK_BYTES)
    written: list[int] = []
    monkeypatch.setattr("data.archive._check_size", lambda _, target: written.append(target.stat().st_size))
    download(archive_at(server[0]), tmp_path / "part")
    assert written[0] <= len(GOOD) + CHUNK_BYTES


def test_a_given_sha256_must_be_that_of_the_file(server: tuple[str, type[Handler]], tmp_path: Path) -> None:
    target = tmp_path / "part"
    download(archive_at(server[0]), target)
    sha256 = sha256_of(target)
    download(archive_at(server[0], sha256=sha256.upper()), target)
    with pytest.raises(DataError, match="another SHA-256"):
        download(archive_at(server[0], sha256="0" * 64), target)
    assert not target.exists()


def test_a_server_that_cannot_be_reached_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be downloaded .* `make train DATA=folder`"):
        download(archive_at("http://127.0.0.1:9/x.zip"), tmp_path / "part")


@pytest.mark.parametrize("url", ["file:///etc/hosts", "ftp://127.0.0.1/x.zip", "x.zip"])
def test_only_http_and_https_are_allowed(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="http:// or https://"):
        download(archive_at(url), tmp_path / "part")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped("train/cats/../../../evil.jpg"), "unsafe"),
        (zipped("/train/cats/evil.jpg"), "unsafe"),
        (zipped("..\\train\\cats\\evil.jpg"), "unsafe"),
        (zipped("train/cats/cat.jpg", link="train/cats/link.jpg"), "unsafe"),
        (zipped("train/birds/bird.jpg"), "not cats_and_dogs_filtered"),
        (GOOD[:-30], "damaged"),
        (GOOD.replace(IMAGE, IMAGE[::-1]), "damaged"),
        (b"<html>not here</html>", "damaged"),
    ],
)
def test_a_bad_archive_is_removed_and_leaves_nothing_behind(content: bytes, message: str, tmp_path: Path) -> None:
    source = tmp_path / "part"
    source.write_bytes(content)
    with pytest.raises(DataError, match=rf"{re.escape(str(source))} .*{message}.*removed"):
        unpack(source, tmp_path / "photos")
    assert list(tmp_path.iterdir()) == []


def test_a_part_of_another_file_is_removed_so_that_the_next_run_works(
    server: tuple[str, type[Handler]], tmp_path: Path
) -> None:
    def refuse(handler: Handler) -> None:
        handler.send_error(416)

    url, handler = server
    answer, target = handler.do_GET, tmp_path / "part"
    handler.do_GET = refuse  # type: ignore[method-assign,assignment]
    target.write_bytes(bytes(100))
    with pytest.raises(DataError, match="it has no byte 100"):
        download(archive_at(url), target)
    handler.do_GET = answer  # type: ignore[method-assign]
    download(archive_at(url), target)
    assert target.read_bytes() == GOOD


@pytest.mark.parametrize(
    "content",
    [
        zipped("train/cats/cat.jpg").replace(b"PK\x01\x02", b"PK\x01\x03"),
        zipped(f"train/cats/{'n' * 250}.jpg"),
        *(zipped("train/cats/cat.jpg")[:length] for length in (0, 1, 30, 100)),
    ],
    ids=["directory", "long name", *map(str, range(4))],
)
def test_an_archive_of_any_other_kind_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    source = tmp_path / "part"
    source.write_bytes(content)
    with pytest.raises(DataError, match="removed"):
        unpack(source, tmp_path / "photos")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("flag", "method"), [(1, 0), (0, 99), (0, 14)], ids=["encrypted", "unknown method", "LZMA"])
def test_an_archive_that_is_encrypted_or_packed_in_another_way_is_one_sentence(
    flag: int, method: int, tmp_path: Path
) -> None:
    source, content = tmp_path / "part", bytearray(zipped("train/cats/cat.jpg"))
    for start in (content.index(b"PK\x03\x04") + 6, content.index(b"PK\x01\x02") + 8):
        content[start : start + 4] = bytes([flag, 0, method, 0])
    source.write_bytes(content)
    with pytest.raises(DataError, match="no plain zip archive"):
        unpack(source, tmp_path / "photos")
    assert list(tmp_path.iterdir()) == []


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "part"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train/cats/cat.1.jpg", bytes(MAX_EXPANSION * 10_000))
    with pytest.raises(DataError, match="not cats_and_dogs_filtered"):
        unpack(source, tmp_path / "photos")
