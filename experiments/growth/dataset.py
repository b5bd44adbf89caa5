"""Datasets of any number of images and labels, whose files are small and differ from each other."""

from pathlib import Path

END_OF_IMAGE = b"\xff\xd9"


def write_dataset(photos: list[Path], folder: Path, images: int, labels: int) -> Path:
    """A folder with one folder for each label, and the images divided equally among them; returns the folder.

    photos: JPEG files. Each is stored many times; a number behind the end of the JPEG data, which decoders ignore,
    makes every file another one: each is hashed, decoded and cached for itself.
    """
    contents = [each.read_bytes() for each in photos]
    for content in contents:
        if not content.endswith(END_OF_IMAGE):
            raise ValueError("a photo is no JPEG file, or has bytes behind its end")
    places = [folder / f"label{number:04}" for number in range(labels)]
    for place in places:
        place.mkdir(parents=True)
    for number in range(images):
        name = f"{number:07}"
        content = contents[number // labels % len(contents)]
        (places[number % labels] / f"{name}.jpg").write_bytes(content + name.encode())
    return folder
