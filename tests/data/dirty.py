"""A folder dirtied on purpose: one picture for every fault a scan knows, and how each came to be.

python -m tests.data.dirty FOLDER      makes it, scans it, and prints what was planted and found as Markdown
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from data.drawn.scenes import draw_picture
from data.scan import QUARANTINED, scan


@dataclass(frozen=True)
class Planted:
    """A picture, relative to the folder, the fault it must be told for, and what was done."""

    path: str
    fault: str
    done: str


def sound_folder(folder: Path) -> Path:
    """Four drawn pictures of each label in train/ and in test/."""
    for part in ("train", "test"):
        for label in ("cat", "dog"):
            (folder / part / label).mkdir(parents=True)
            for index in range(4):
                draw_picture(label, f"{part}{index}").save(folder / part / label / f"{index}.jpg", quality=95)
    return folder


def plant(folder: Path) -> list[Planted]:
    """Plant faults of every kind in a sound folder."""
    return [*_broken(folder / "train/cat"), *_double(folder), *_odd(folder / "train/dog")]


def _broken(cat: Path) -> list[Planted]:
    whole = (cat / "0.jpg").read_bytes()
    (cat / "empty.jpg").touch()
    (cat / "text.jpg").write_text("not a picture")
    (cat / "page.png").write_text("<html><body>404 Not Found</body></html>")
    (cat / "cut.jpg").write_bytes(whole[:1500])
    (cat / "cut_late.jpg").write_bytes(whole[: len(whole) * 9 // 10])
    (cat / "zeros.jpg").write_bytes(bytes(4000))
    draw_picture("cat", "planted").resize((20, 20)).save(cat / "tiny.png")
    return [
        Planted("train/cat/empty.jpg", "empty", "no byte"),
        Planted("train/cat/text.jpg", "unreadable", "a text called .jpg"),
        Planted("train/cat/page.png", "unreadable", "an error page called .png"),
        Planted("train/cat/cut.jpg", "unreadable", "a JPEG of which 1,500 bytes are left"),
        Planted("train/cat/cut_late.jpg", "unreadable", "a JPEG without its last tenth"),
        Planted("train/cat/zeros.jpg", "unreadable", "4,000 zero bytes"),
        Planted("train/cat/tiny.png", "tiny", "20 x 20 pixels"),
    ]


def _double(folder: Path) -> list[Planted]:
    cat, dog = folder / "train/cat", folder / "train/dog"
    (cat / "copy.jpg").write_bytes((cat / "0.jpg").read_bytes())
    (dog / "mislabelled.jpg").write_bytes((cat / "1.jpg").read_bytes())
    (cat / "leak.jpg").write_bytes((folder / "test/cat/0.jpg").read_bytes())
    Image.open(folder / "test/dog/1.jpg").resize((100, 100)).save(dog / "near_leak.jpg", quality=80)
    one, other = draw_picture("cat", "chainA"), draw_picture("cat", "chainB")
    one.save(folder / "test/cat/burst.png")
    Image.blend(one, other, 0.10).save(cat / "burst1.png")
    Image.blend(one, other, 0.12).save(cat / "burst2.png")
    Image.open(dog / "2.jpg").save(dog / "near.jpg", quality=60)
    ImageEnhance.Brightness(Image.open(dog / "3.jpg")).enhance(1.1).save(dog / "brighter.jpg", quality=90)
    Image.open(dog / "0.jpg").resize((300, 300)).save(dog / "larger.png")
    return [
        Planted("train/cat/copy.jpg", "duplicate", "equal to train/cat/0.jpg"),
        Planted("train/cat/1.jpg", "two labels", "equal to train/dog/mislabelled.jpg"),
        Planted("train/dog/mislabelled.jpg", "two labels", "equal to train/cat/1.jpg"),
        Planted("train/cat/leak.jpg", "leak", "equal to test/cat/0.jpg"),
        Planted("train/dog/near_leak.jpg", "near leak", "test/dog/1.jpg at 100 x 100 pixels, JPEG quality 80"),
        Planted("train/cat/burst1.png", "near leak", "test/cat/burst.png with another faint above it"),
        Planted("train/cat/burst2.png", "near leak", "the same, and nearer to train/cat/burst1.png"),
        Planted("train/dog/near.jpg", "near duplicate", "train/dog/2.jpg at JPEG quality 60"),
        Planted("train/dog/brighter.jpg", "near duplicate", "train/dog/3.jpg a tenth brighter"),
        Planted("train/dog/larger.png", "near duplicate", "train/dog/0.jpg at 300 x 300 pixels, PNG"),
    ]


def chain_of_look_alikes(folder: Path) -> list[str]:
    """Three pictures of which the second looks like the first and the third, but these not like each other."""
    one, other = draw_picture("cat", "chainA"), draw_picture("cat", "chainB")
    names = ["cat/a.png", "cat/b.png", "cat/c.png"]
    (folder / "cat").mkdir()
    for name, strength in zip(names, (0, 0.2, 0.29), strict=True):
        Image.blend(one, other, strength).save(folder / name)
    return names


def _odd(dog: Path) -> list[Planted]:
    draw_picture("dog", "png").save(dog / "png.jpg", "PNG")
    draw_picture("dog", "a").save(dog / "moves.gif", save_all=True, append_images=[draw_picture("dog", "b")])
    exif = Image.Exif()
    exif[0x0112] = 6
    draw_picture("dog", "exif").save(dog / "turned.jpg", exif=exif)
    clear = draw_picture("dog", "clear").convert("RGBA")
    clear.putalpha(120)
    clear.save(dog / "clear.png")
    draw_picture("dog", "ink").convert("CMYK").save(dog / "ink.jpg")
    wide = np.asarray(draw_picture("dog", "wide").convert("L")).astype(np.uint16) * 257
    Image.fromarray(wide).save(dog / "wide.png")
    return [
        Planted("train/dog/png.jpg", "wrong suffix", "a PNG called .jpg"),
        Planted("train/dog/moves.gif", "animated", "a GIF of two frames"),
        Planted("train/dog/turned.jpg", "rotated", "an EXIF tag that says a quarter turn"),
        Planted("train/dog/clear.png", "transparent", "an alpha channel"),
        Planted("train/dog/ink.jpg", "CMYK", "a JPEG in CMYK"),
        Planted("train/dog/wide.png", "16 bits", "a PNG of 16 bits a channel"),
    ]


def out_of_reach(folder: Path) -> list[Planted]:
    """Copies that a perceptual hash of the whole picture does not know again."""
    dog = folder / "train/dog"
    source = Image.open(dog / "1.jpg")
    ImageOps.mirror(source).save(dog / "mirrored.png")
    source.rotate(90).save(dog / "quarter.png")
    source.crop((20, 20, 128, 128)).save(dog / "cropped.png")
    return [
        Planted("train/dog/mirrored.png", "near duplicate", "train/dog/1.jpg mirrored"),
        Planted("train/dog/quarter.png", "near duplicate", "train/dog/1.jpg turned by 90 degrees"),
        Planted("train/dog/cropped.png", "near duplicate", "train/dog/1.jpg without 20 of 128 pixels at two sides"),
    ]


def main(folder: Path) -> None:
    """Plant, scan, and print the tables."""
    planted = plant(sound_folder(folder))
    hard = out_of_reach(folder)
    findings: set[tuple[str, str]] = {
        (each.path.relative_to(folder).as_posix(), each.fault) for each in scan(folder, _quiet).findings
    }
    known = {(each.path, each.fault) for each in [*planted, *hard]}
    found = sum((each.path, each.fault) in findings for each in planted)
    print(f"{found} of {len(planted)} planted faults found; {len(findings - known)} told that were not planted.\n")
    print(_table(planted, findings))
    print("\nCopies that it is not made for:\n")
    print(_table(hard, findings))


def _table(rows: list[Planted], findings: set[tuple[str, str]]) -> str:
    lines = ["| planted | what was done | must be told as | found | left out of training |", "|---|---|---|---|---|"]
    for each in rows:
        told = (each.path, each.fault) in findings
        cells = (each.path, each.done, each.fault, _yes(told), _yes(told and each.fault in QUARANTINED))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _yes(true: bool) -> str:
    return "yes" if true else "no"


def _quiet(_: int, __: int) -> None:
    pass


if __name__ == "__main__":
    main(Path(sys.argv[1]))
