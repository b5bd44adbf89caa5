import builtins
from pathlib import Path

import av
import numpy as np
import pytest

from temper.errors import MissingRuntime
from temper.infer.sources import Frame, SourceOptions, Unreadable, is_live, iterate_sources
from temper.infer.sources.video import _position, import_av


def video(path: Path, seconds: int = 3, fps: int = 10) -> Path:
    """A video that gets brighter: frame i has the value 5 * i."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(seconds * fps):
            pixels = np.full((48, 64, 3), 5 * number % 256, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("fps", "seconds"),
    [(1, [0, 1, 2]), (2, [0, 0.5, 1, 1.5, 2, 2.5]), (0.5, [0, 2]), (100, [i / 10 for i in range(30)])],
)
def test_so_many_frames_of_each_second_are_taken_and_named_by_their_position(
    fps: float, seconds: list[float], tmp_path: Path
) -> None:
    path = video(tmp_path / "a.mp4")
    frames = [each for each in iterate_sources(str(path), SourceOptions(fps=fps)) if isinstance(each, Frame)]
    assert [each.name for each in frames] == [f"{path}@{second:.3f}s" for second in seconds]
    values = [float(np.asarray(each.image).mean()) for each in frames]
    assert np.abs(np.array(values) - 50 * np.array(seconds)).max() < 8
    assert frames[0].image.size == (64, 48)


@pytest.mark.parametrize(("content", "words"), [(b"no video", "is damaged, or no video"), (None, "does not exist")])
def test_what_is_no_video_is_one_unreadable_source(content: bytes | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    (source,) = iterate_sources(str(path))
    assert isinstance(source, Unreadable) and words in source.error


def test_a_truncated_video_gives_the_frames_before_the_damage(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mkv", seconds=20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames = [each for each in iterate_sources(str(path)) if isinstance(each, Frame)]
    assert 1 <= len(frames) < 20


def test_a_camera_is_live_and_a_missing_one_is_reported() -> None:
    assert is_live("/dev/video99") and is_live(["a.jpg", Path("/dev/video0")])
    assert not is_live("a.mp4") and not is_live(iter(["/dev/video0"]))
    (source,) = iterate_sources("/dev/video99")
    assert isinstance(source, Unreadable) and "/dev/video99" in source.error


def test_a_frame_of_a_camera_is_named_by_its_time() -> None:
    assert _position(1_700_000_000.25, live=True) == "2023-11-14T22:13:20.250Z"


def test_without_pyav_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def refuse(name: str, *more: object, **named: object) -> object:
        if name == "av":
            raise ImportError(name)
        return original(name, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingRuntime, match="pip install av"):
        import_av()
