"""A dataset with known issues: one image for each kind of issue that a scan detects."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from data.drawn.scenes import draw_image

EXIF_ORIENTATION, ROTATE_90 = 0x0112, 6


@dataclass(frozen=True)
class PlantedIssue:
    """An image, by path relative to the dataset's folder, the issue that a scan must report, and how it was made."""

    path: str
    kind: str
    cause: str


def write_clean_dataset(folder: Path) -> Path:
    """Draw four images of each label in train/ and in test/."""
    for subset in ("train", "test"):
        for label in ("cat", "dog"):
            (folder / subset / label).mkdir(parents=True)
            for index in range(4):
                image = draw_image(label, f"{subset}{index}")
                image.save(folder / subset / label / f"{index}.jpg", quality=95)
    return folder


def plant_issues(folder: Path) -> list[PlantedIssue]:
    """Add images with issues of every kind to a clean dataset."""
    return [
        *_unusable_images(folder / "train/cat"),
        *_duplicates(folder),
        *_near_duplicates(folder),
        *_unusual_images(folder / "train/dog"),
    ]


def plant_undetected_copies(folder: Path) -> list[PlantedIssue]:
    """Add copies that a perceptual hash of the complete image does not detect."""
    dog = folder / "train/dog"
    source = Image.open(dog / "1.jpg")
    ImageOps.mirror(source).save(dog / "mirrored.png")
    source.rotate(90).save(dog / "quarter.png")
    source.crop((20, 20, 128, 128)).save(dog / "cropped.png")
    return [
        PlantedIssue("train/dog/mirrored.png", "near-duplicate", "train/dog/1.jpg mirrored"),
        PlantedIssue("train/dog/quarter.png", "near-duplicate", "train/dog/1.jpg rotated by 90 degrees"),
        PlantedIssue(
            "train/dog/cropped.png", "near-duplicate", "train/dog/1.jpg without 20 of 128 pixels on two sides"
        ),
    ]


def _unusable_images(cat: Path) -> list[PlantedIssue]:
    complete = (cat / "0.jpg").read_bytes()
    (cat / "empty.jpg").touch()
    (cat / "text.jpg").write_text("not an image")
    (cat / "page.png").write_text("<html><body>not an image</body></html>")
    (cat / "cut.jpg").write_bytes(complete[:1500])
    (cat / "cut_late.jpg").write_bytes(complete[: len(complete) * 9 // 10])
    (cat / "zeros.jpg").write_bytes(bytes(4000))
    draw_image("cat", "planted").resize((20, 20)).save(cat / "tiny.png")
    return [
        PlantedIssue("train/cat/empty.jpg", "empty", "no bytes"),
        PlantedIssue("train/cat/text.jpg", "unreadable", "a text named .jpg"),
        PlantedIssue("train/cat/page.png", "unreadable", "an error page named .png"),
        PlantedIssue("train/cat/cut.jpg", "unreadable", "the first 1,500 bytes of a JPEG"),
        PlantedIssue("train/cat/cut_late.jpg", "unreadable", "a JPEG without its last tenth"),
        PlantedIssue("train/cat/zeros.jpg", "unreadable", "4,000 zero bytes"),
        PlantedIssue("train/cat/tiny.png", "too small", "20 x 20 pixels"),
    ]


def _duplicates(folder: Path) -> list[PlantedIssue]:
    cat, dog = folder / "train/cat", folder / "train/dog"
    (cat / "copy.jpg").write_bytes((cat / "0.jpg").read_bytes())
    (dog / "mislabeled.jpg").write_bytes((cat / "1.jpg").read_bytes())
    (cat / "leak.jpg").write_bytes((folder / "test/cat/0.jpg").read_bytes())
    return [
        PlantedIssue("train/cat/copy.jpg", "duplicate", "equal to train/cat/0.jpg"),
        PlantedIssue("train/cat/1.jpg", "label conflict", "equal to train/dog/mislabeled.jpg"),
        PlantedIssue("train/dog/mislabeled.jpg", "label conflict", "equal to train/cat/1.jpg"),
        PlantedIssue("train/cat/leak.jpg", "leak", "equal to test/cat/0.jpg"),
    ]


def _near_duplicates(folder: Path) -> list[PlantedIssue]:
    cat, dog = folder / "train/cat", folder / "train/dog"
    Image.open(folder / "test/dog/1.jpg").resize((100, 100)).save(dog / "near_leak.jpg", quality=80)
    one, other = draw_image("cat", "chainA"), draw_image("cat", "chainB")
    one.save(folder / "test/cat/burst.png")
    Image.blend(one, other, 0.10).save(cat / "burst1.png")
    Image.blend(one, other, 0.12).save(cat / "burst2.png")
    Image.open(dog / "2.jpg").save(dog / "near.jpg", quality=60)
    ImageEnhance.Brightness(Image.open(dog / "3.jpg")).enhance(1.1).save(dog / "brighter.jpg", quality=90)
    Image.open(dog / "0.jpg").resize((300, 300)).save(dog / "larger.png")
    leak = "near-duplicate leak"
    return [
        PlantedIssue("train/dog/near_leak.jpg", leak, "test/dog/1.jpg at 100 x 100 pixels, JPEG quality 80"),
        PlantedIssue("train/cat/burst1.png", leak, "test/cat/burst.png blended with 10 % of another image"),
        PlantedIssue("train/cat/burst2.png", leak, "the same with 12 %, and nearer to train/cat/burst1.png"),
        PlantedIssue("train/dog/near.jpg", "near-duplicate", "train/dog/2.jpg at JPEG quality 60"),
        PlantedIssue("train/dog/brighter.jpg", "near-duplicate", "train/dog/3.jpg a tenth brighter"),
        PlantedIssue("train/dog/larger.png", "near-duplicate", "train/dog/0.jpg at 300 x 300 pixels, PNG"),
    ]


def _unusual_images(dog: Path) -> list[PlantedIssue]:
    draw_image("dog", "png").save(dog / "png.jpg", "PNG")
    draw_image("dog", "a").save(dog / "moves.gif", save_all=True, append_images=[draw_image("dog", "b")])
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = ROTATE_90
    draw_image("dog", "exif").save(dog / "rotated.jpg", exif=exif)
    clear = draw_image("dog", "clear").convert("RGBA")
    clear.putalpha(120)
    clear.save(dog / "clear.png")
    draw_image("dog", "ink").convert("CMYK").save(dog / "ink.jpg")
    wide = np.asarray(draw_image("dog", "wide").convert("L")).astype(np.uint16) * 257
    Image.fromarray(wide).save(dog / "wide.png")
    return [
        PlantedIssue("train/dog/png.jpg", "wrong suffix", "a PNG named .jpg"),
        PlantedIssue("train/dog/moves.gif", "animated", "a GIF with two frames"),
        PlantedIssue("train/dog/rotated.jpg", "EXIF rotation", "an EXIF tag for a rotation by 90 degrees"),
        PlantedIssue("train/dog/clear.png", "transparency", "an alpha channel"),
        PlantedIssue("train/dog/ink.jpg", "CMYK", "a JPEG in CMYK"),
        PlantedIssue("train/dog/wide.png", "16 bits", "a PNG with 16 bits for each channel"),
    ]
