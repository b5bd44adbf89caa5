from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from PIL import Image

from temper.errors import UsageError
from temper.infer.results import Prediction, Result
from temper.infer.save import refuse_half_video, save_images, save_video


def result(name: str, size: tuple[int, int] = (65, 49), **fields: object) -> Result:
    image = Image.new("RGB", size, (0, 0, 200))
    return Result(source=name, image=image, predictions=(Prediction("cat", 0.75),), **fields)  # type: ignore[arg-type]


def test_images_of_the_same_name_get_a_number_and_failures_none(tmp_path: Path) -> None:
    results = [result("a/x.jpg"), Result(source="bad.jpg", error="bad"), result("b/x.jpg")]
    assert list(save_images(results, tmp_path / "out")) == results
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["x-2.labeled.png", "x.labeled.png"]


def test_a_number_leads_to_no_image_that_has_such_a_name(tmp_path: Path) -> None:
    list(save_images([result("x-2.jpg"), result("a/x.jpg"), result("b/x.jpg"), result("x-3.jpg")], tmp_path))
    names = sorted(path.name.partition(".")[0] for path in tmp_path.iterdir())
    assert names == ["x", "x-2", "x-3", "x-3-3"]


def test_a_run_that_goes_on_replaces_no_image_of_an_earlier_one(tmp_path: Path) -> None:
    for name in ("a/x.jpg", "b/x.jpg", "b/x.jpg"):
        list(save_images([result(name)], tmp_path, goes_on=True))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2 and names[1] == "x.labeled.png" and names[0].startswith("x-")
    list(save_images([result("c/x.jpg")], tmp_path))
    assert len(list(tmp_path.iterdir())) == 2


def test_an_interrupted_video_has_the_frames_so_far(tmp_path: Path) -> None:
    def interrupted() -> Iterator[Result]:
        yield from [result(f"v@{number}s") for number in range(5)]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(save_video(interrupted(), tmp_path / "out.mp4", fps=1, lines=1))
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(list(container.decode(video=0))) == 5


def test_a_video_is_refused_only_where_a_job_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    for target, rows in ((None, 1), (tmp_path / "folder", 1), (tmp_path / "v.MP4", 0)):
        refuse_half_video(target, out, rows)
    with pytest.raises(UsageError, match=r"v\.mp4 would be without their frames"):
        refuse_half_video(tmp_path / "v.mp4", out, 1)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_video_has_a_frame_for_each_result_with_the_labels_below(suffix: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / f"out{suffix}"
    results = [
        result("v@0s"),
        Result(source="bad", error="bad"),
        result("v@1s", unknown=True),
        result("v@2s", (80, 30)),
    ]
    assert list(save_video(results, target, fps=2, lines=2)) == results
    with av.open(str(target)) as container:
        frames = [frame.to_image() for frame in container.decode(video=0)]
        assert float(container.streams.video[0].average_rate) == pytest.approx(2)
    assert len(frames) == 3
    assert len({frame.size for frame in frames}) == 1
    width, height = frames[0].size
    assert (width % 2, height % 2) == (0, 0)
    red, _, blue = frames[0].getpixel((width // 2, 10))
    assert blue > 150 > red
    assert max(frames[0].getpixel((width - 3, height - 3))) < 40
