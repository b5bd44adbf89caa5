from pathlib import Path

import av
import pytest
from PIL import Image

from temper.infer.results import Prediction, Result
from temper.infer.save import save_images, save_video


def result(name: str, size: tuple[int, int] = (65, 49), **fields: object) -> Result:
    image = Image.new("RGB", size, (0, 0, 200))
    return Result(source=name, image=image, predictions=(Prediction("cat", 0.75),), **fields)  # type: ignore[arg-type]


def test_images_of_the_same_name_get_a_number_and_failures_none(tmp_path: Path) -> None:
    results = [result("a/x.jpg"), Result(source="bad.jpg", error="bad"), result("b/x.jpg")]
    assert list(save_images(results, tmp_path / "out")) == results
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["x-2.labeled.png", "x.labeled.png"]


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
