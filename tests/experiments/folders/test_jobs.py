from pathlib import Path

from PIL import Image

from experiments.folders.jobs import Rate, count_rows, job_rate, link_photos, resize_photos
from temper.artifact import Artifact
from temper.cli.progress import no_progress
from temper.runners.load import open_runner


def test_photos_are_resized_and_linked(made_bundle: Path, tmp_path: Path) -> None:
    photos = resize_photos(made_bundle.parent / "images", tmp_path / "photos", 3, no_progress)
    with Image.open(photos[0]) as image:
        assert (image.size, image.format) == ((500, 375), "JPEG")
    links = link_photos(photos, tmp_path / "links", 7)
    assert [path.resolve().name for path in sorted(links.iterdir())][-2:] == ["000003.jpg", "000001.jpg"]


def test_a_job_writes_a_row_for_each_image_and_has_a_rate(made_bundle: Path, tmp_path: Path) -> None:
    folder, out = made_bundle.parent / "images", tmp_path / "out.jsonl"
    assert count_rows(out) == 0
    with open_runner(Artifact.at(made_bundle.with_name("model.fp32.onnx"))) as runner:
        assert job_rate(runner, folder, out) > 0
    assert count_rows(out) == sum(1 for _ in folder.rglob("*.png"))


def test_ratios_are_paired_by_round() -> None:
    rate = Rate(artifact="a.onnx", batch=8, network=[10.0, 20.0], job=[9.0, 19.0], keras=[1.0, 1.0])
    assert rate.row() == ("a.onnx", "8", "15.0", "14.0", "0.925 [0.900, 0.950]", "14.0 [9.0, 19.0]")
