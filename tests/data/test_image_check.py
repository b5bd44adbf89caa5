import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from data.drawn.scenes import draw_image
from data.image_check import inspect_image


def test_an_image_without_issues_has_a_checksum_and_a_hash(tmp_path: Path) -> None:
    draw_image("cat", "a").save(tmp_path / "a.png")
    result = inspect_image(tmp_path / "a.png")
    assert result.issues == ()
    assert len(result.sha256) == 64
    assert result.phash is not None
    assert result.phash.shape == (64,)


def test_the_hash_of_a_scaled_copy_differs_in_few_bits_and_that_of_another_image_in_many(tmp_path: Path) -> None:
    image = draw_image("dog", "a")
    image.save(tmp_path / "a.png")
    image.resize((80, 80)).save(tmp_path / "scaled.png")
    draw_image("dog", "b").save(tmp_path / "other.png")
    first, scaled, other = (inspect_image(tmp_path / f"{name}.png").phash for name in ("a", "scaled", "other"))
    assert np.count_nonzero(first != scaled) <= 3
    assert np.count_nonzero(first != other) > 10


@pytest.mark.parametrize(
    ("content", "kind", "detail"),
    [
        (b"", "empty", ""),
        (b"a text", "unreadable", "is not an image that can be read"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "unreadable", "is"),
    ],
)
def test_a_file_that_is_no_image_is_an_issue_and_no_exception(
    content: bytes, kind: str, detail: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    result = inspect_image(path)
    (issue,) = result.issues
    assert issue.kind == kind
    assert issue.detail.startswith(detail)
    assert result.phash is None


def test_an_image_can_have_several_issues(tmp_path: Path) -> None:
    frames = [Image.new("L", (20, 20), shade) for shade in (0, 255)]
    frames[0].save(tmp_path / "a.png", "GIF", save_all=True, append_images=frames[1:])
    issues = {each.kind: each.detail for each in inspect_image(tmp_path / "a.png").issues}
    assert issues == {"wrong suffix": "is GIF", "too small": "20 x 20", "animated": "2 frames"}


def test_a_jpeg_file_with_a_second_image_in_it_has_the_right_suffix(tmp_path: Path) -> None:
    images = [Image.new("RGB", (40, 40), (shade, 0, 0)) for shade in (0, 255)]
    images[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=images[1:])
    issues = {each.kind: each.detail for each in inspect_image(tmp_path / "a.jpg").issues}
    assert issues == {"animated": "2 frames"}


@pytest.mark.parametrize("error", [IndexError("x"), TypeError(), KeyError(1), struct.error(), ZeroDivisionError()])
def test_no_error_of_a_parser_ends_a_scan(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object) -> int:
        raise error

    draw_image("cat", "a").save(tmp_path / "a.png")
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "getexif", fail)
    (issue,) = inspect_image(tmp_path / "a.png").issues
    assert issue.kind == "unreadable"
    assert issue.detail.startswith("is damaged")


def test_a_damaged_second_frame_is_an_issue(tmp_path: Path) -> None:
    frames = [Image.new("L", (40, 40), shade) for shade in (0, 255)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    content = bytearray((tmp_path / "a.tif").read_bytes())
    entries = int.from_bytes(content[4:8], "little")
    link = entries + 2 + 12 * int.from_bytes(content[entries : entries + 2], "little")
    content[link : link + 4] = (5).to_bytes(4, "little")
    (tmp_path / "a.tif").write_bytes(content)
    assert {each.kind for each in inspect_image(tmp_path / "a.tif").issues} <= {"unreadable", "animated"}


def test_a_file_that_disappears_or_is_no_file_is_an_issue(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for name, words in (("gone.png", "cannot be read (No such file"), ("pipe.png", "is not a regular file")):
        (issue,) = inspect_image(tmp_path / name).issues
        assert issue.kind == "unreadable" and issue.detail.startswith(words)
