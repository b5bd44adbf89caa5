import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from temper.images import EncodedImage, load_image
from temper.infer.decode import decode
from temper.infer.flow import Flow
from temper.infer.results import Prediction
from temper.infer.sources import Frame, ImageSource, Unreadable, Url

PNG = "a.png"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Image.new("RGB", (9, 9), (200, 0, 0)).save(tmp_path / PNG)
    return tmp_path / PNG


FRAME = Image.new("RGB", (9, 9))


def test_a_file_has_the_hash_of_its_content_and_its_pixels(path: Path) -> None:
    decoded = decode(0, path, 8, Flow())
    assert decoded.result.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert decoded.result.image is None
    assert decoded.pixels is not None and (decoded.pixels == load_image(path, 8)).all()
    assert decoded.seconds > 0


def test_an_image_in_memory_can_be_saved_later(path: Path, tmp_path: Path) -> None:
    decoded = decode(0, EncodedImage("s.tar/a.png", path.read_bytes()), 8, Flow())
    assert (decoded.result.source, decoded.result.sha256) == (
        "s.tar/a.png",
        hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    replace(decoded.result, predictions=(Prediction("red", 1.0),)).save(tmp_path / "saved.png")
    with Image.open(tmp_path / "saved.png") as saved:
        assert saved.getpixel((0, 0)) == (200, 0, 0)


def test_damaged_content_has_a_hash_and_a_missing_file_has_none(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"x")
    bad, missing = (decode(0, tmp_path / name, 8, Flow()).result for name in ("bad.jpg", "none.jpg"))
    assert bad.error and bad.sha256 == hashlib.sha256(b"x").hexdigest()
    assert "does not exist" in missing.error and not missing.sha256


@pytest.mark.parametrize(
    ("source", "known"),
    [(Frame("v.mp4@1.000s", FRAME), ("v.mp4@1.000s", hashlib.sha256(bytes(8 * 8 * 3)).hexdigest())),
     (Url("http://example.invalid/a.jpg"), ("http://example.invalid/a.jpg", "")),
     (Unreadable("s.tar", "s.tar is damaged"), ("s.tar", "")),
     (EncodedImage("a", b"x"), ("a", hashlib.sha256(b"x").hexdigest()))],
    ids=["frame", "URL", "unreadable", "content"],
)  # fmt: skip
def test_what_is_done_is_neither_read_nor_decoded(
    source: ImageSource, known: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("temper.infer.decode.load_image", None)
    decoded = decode(0, source, 8, Flow(is_done=lambda name, sha256: (name, sha256) == known))
    assert decoded.is_done and decoded.pixels is None
    assert decoded.result.source == known[0]


def test_a_frame_of_a_changed_video_is_another_image_and_arrays_have_no_hash() -> None:
    changed = Image.new("RGB", FRAME.size, (1, 0, 0))
    before, after = (decode(3, Frame("v.mp4@0.000s", each), 8, Flow()) for each in (FRAME, changed))
    assert before.result.sha256 != after.result.sha256
    assert before.pixels is not None and before.result.image is FRAME
    decoded = decode(3, np.zeros((9, 9, 3), np.uint8), 8, Flow())
    assert decoded.pixels is not None and not decoded.result.sha256


def test_a_file_that_is_too_large_is_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("temper.images.encoded.MAX_BYTES", 10)
    assert "more than 10 bytes, the limit" in decode(0, path, 8, Flow()).result.error
