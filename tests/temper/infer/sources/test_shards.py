import io
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from temper.images import EncodedImage, load_image
from temper.infer.sources import Unreadable, iterate_sources, shards


def png(value: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (9, 9), (value, 0, 0)).save(stream, "PNG")
    return stream.getvalue()


def shard(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as file:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


MEMBERS = {
    "./b/000.png": png(1), "b/000.cls": b"3", "a.JPG": png(2), ".hidden.png": png(3), "b/.thumbs/x.png": png(4),
    "notes.txt": b"text", "last.png": png(5),
}  # fmt: skip


@pytest.mark.parametrize(("suffix", "mode"), [(".tar", "w"), (".tar.gz", "w:gz"), (".tgz", "w:gz"), (".TAR", "w")])
def test_images_of_a_shard_come_in_its_order_with_its_name(suffix: str, mode: str, tmp_path: Path) -> None:
    path = shard(tmp_path / f"shard{suffix}", MEMBERS, mode)
    images = list(iterate_sources(str(path)))
    assert [str(each) for each in images] == [f"{path}/b/000.png", f"{path}/a.JPG", f"{path}/last.png"]
    values = [int(load_image(each, 4)[0, 0, 0]) for each in images if isinstance(each, EncodedImage)]
    assert values == [1, 2, 5]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_truncated_shard_gives_the_images_before_the_damage_and_then_the_reason(mode: str, tmp_path: Path) -> None:
    path = shard(tmp_path / "shard.tar", {f"{i}.png": bytes([i]) * 3000 for i in range(20)}, mode)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    *images, last = iterate_sources(path)
    assert all(isinstance(each, EncodedImage) and len(each.content) == 3000 for each in images)
    assert isinstance(last, Unreadable)
    assert f"shard.tar is damaged after {len(images)} images (" in last.error


@pytest.mark.parametrize("blocks", [7 * 3, 8 * 3 + 1], ids=["between members", "after a header"])
def test_a_shard_that_ends_without_its_end_mark_is_damaged(blocks: int, tmp_path: Path) -> None:
    path = shard(tmp_path / "shard.tar", {f"{i}.png": bytes(1000) for i in range(20)})
    path.write_bytes(path.read_bytes()[: 512 * blocks])
    *images, last = iterate_sources(path)
    assert len(images) == blocks // 3
    assert isinstance(last, Unreadable) and f"is damaged after {len(images)} images" in last.error


def test_a_damaged_header_in_the_middle_is_reported(tmp_path: Path) -> None:
    path = shard(tmp_path / "shard.tar", {f"{i}.png": bytes(1000) for i in range(20)})
    content = bytearray(path.read_bytes())
    content[512 * 3 * 7] ^= 1
    path.write_bytes(content)
    *images, last = iterate_sources(path)
    assert len(images) == 7
    assert isinstance(last, Unreadable) and "is damaged after 7 images" in last.error


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"no tar at all" * 99, "is damaged after 0 images"), (b"", "is damaged"), (None, "not exist")],
)
def test_what_is_no_shard_is_one_unreadable_source(content: bytes | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "shard.tar"
    if content is not None:
        path.write_bytes(content)
    (source,) = iterate_sources(str(path))
    assert isinstance(source, Unreadable)
    assert source.name == str(path) and words in source.error


def test_a_shard_without_images_says_so(tmp_path: Path) -> None:
    (source,) = iterate_sources(str(shard(tmp_path / "shard.tar", {"a.txt": b"x"})))
    assert isinstance(source, Unreadable) and "holds no images" in source.error


def test_a_member_that_is_too_large_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "MAX_BYTES", 100)
    path = shard(tmp_path / "shard.tar", {"large.png": b"x" * 101, "small.png": b"x" * 100})
    large, small = iterate_sources(str(path))
    assert isinstance(large, Unreadable) and "large.png has 101 bytes; the limit is 100" in large.error
    assert isinstance(small, EncodedImage)


def test_one_image_is_read_at_a_time_and_headers_are_not_collected(tmp_path: Path) -> None:
    path = shard(tmp_path / "shard.tar", {f"{i}.png": bytes(2000) for i in range(500)})
    images = shards.images_in_shard(path)
    next(images)
    frame = images.gi_frame  # type: ignore[attr-defined]
    assert len(frame.f_locals["shard"].members) <= 1
    assert sum(1 for _ in images) == 499
