import dataclasses
from pathlib import Path

import pytest

from temper.card import Card, read_card
from temper.dataset.split import read_split, share
from temper.errors import UserError


def test_the_parts_read_back_and_do_not_overlap(bundle: Path) -> None:
    card = read_card(bundle)
    parts = {part: {e.path for e in read_split(bundle, card, part)} for part in ("train", "val", "test")}
    assert {name: len(paths) for name, paths in parts.items()} == {"train": 48, "val": 16, "test": 16}
    assert not parts["train"] & parts["val"] | parts["val"] & parts["test"] | parts["train"] & parts["test"]


def test_pictures_that_moved_are_found_by_folder(bundle: Path) -> None:
    moved = bundle.parent / "elsewhere"
    (bundle.parent / "pictures").rename(moved)
    assert all(e.path.is_file() for e in read_split(bundle, read_card(bundle), "test", moved))


def test_missing_pictures_say_where_to_name_them(bundle: Path) -> None:
    with pytest.raises(UserError, match=r"16 of 16 pictures.*--data FOLDER"):
        read_split(bundle, read_card(bundle), "test", bundle.parent / "nowhere")


def test_a_changed_manifest_is_refused(bundle: Path) -> None:
    manifest = bundle.parent / "model.split.csv"
    manifest.write_text(manifest.read_text().replace("test", "train"))
    with pytest.raises(UserError, match="is not the split"):
        read_split(bundle, read_card(bundle), "test")


def test_a_card_without_a_split_says_so(bundle: Path) -> None:
    card: Card = dataclasses.replace(read_card(bundle), split={})
    with pytest.raises(UserError, match="names no split"):
        read_split(bundle, card, "test")


def test_shares_are_even_and_depend_on_content_and_seed() -> None:
    shares = [share(f"{i:064x}", seed=0) for i in range(2000)]
    assert 0.45 < sum(shares) / len(shares) < 0.55
    assert shares[0] == share(f"{0:064x}", seed=0) != share(f"{0:064x}", seed=1)
