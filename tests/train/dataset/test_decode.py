from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from temper.cli.progress import no_progress
from temper.dataset.find import find_examples
from temper.errors import UnreadableImage
from tests.train.images import fill
from train.dataset.decode import decode, labels_of, load_subsets


def test_images_are_decoded_in_order_of_their_subset(tmp_path: Path) -> None:
    examples = find_examples(fill(tmp_path, 12), 0.3, seed=0)
    calls: list[tuple[str, int, int]] = []
    pixels = decode(examples, 8, lambda *call: calls.append(call))
    subsets = [each.subset for each in examples]
    assert subsets == sorted(subsets, key=["train", "val", "test"].index)
    assert calls[-1] == ("decoding (images)", 24, 24)
    for image, each in zip(pixels, examples, strict=True):
        assert np.array_equal(image, np.asarray(Image.open(each.path)))


def test_each_subset_has_its_own_images_and_labels(tmp_path: Path) -> None:
    examples = find_examples(fill(tmp_path, 12), 0.3, seed=0)
    subsets = load_subsets(examples, 8, no_progress)
    assert labels_of(examples) == ("cat", "dog")
    for subset, images in subsets.items():
        own = [each for each in examples if each.subset == subset]
        assert [("cat", "dog")[i] for i in images.targets.argmax(axis=1)] == [each.label for each in own]
        assert np.array_equal(images.pixels, decode(own, 8, no_progress))


def test_images_that_do_not_fit_into_memory_are_equal_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = find_examples(fill(tmp_path, 6), 0.3, seed=0)
    in_memory = decode(examples, 8, no_progress)
    monkeypatch.setattr("train.dataset.decode.MAX_MEMORY_BYTES", 100)
    in_file = decode(examples, 8, no_progress)
    assert isinstance(in_file, np.memmap)
    assert np.array_equal(in_memory, in_file)


def test_an_unreadable_image_is_reported_by_name(tmp_path: Path) -> None:
    fill(tmp_path, 6)
    (tmp_path / "cat" / "note.jpg").write_text("not an image")
    with pytest.raises(UnreadableImage, match=r"note\.jpg"):
        decode(find_examples(tmp_path, 0.2, 0), 8, no_progress)
