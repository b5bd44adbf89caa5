from pathlib import Path

import pytest
from PIL import Image

from data.drawn.scenes import draw_image
from data.scan import Scan, scan
from experiments.dirty_dataset import plant_issues, write_clean_dataset
from temper.dataset.listing import read_near_duplicates, read_quarantine, write_near_duplicates, write_quarantine
from temper.errors import DataError
from temper.images import images_in

QUARANTINED = (
    "empty", "unreadable", "too small", "duplicate", "label conflict", "leak", "near-duplicate leak",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Drawn images without issues in train/ and test/."""
    return write_clean_dataset(tmp_path)


def issues_of(result: Scan) -> set[tuple[str, str]]:
    return {(each.path.relative_to(result.folder).as_posix(), each.kind) for each in result.issues}


def planted_in(folder: Path) -> set[tuple[str, str]]:
    return {(each.path, each.kind) for each in plant_issues(folder)}


def test_images_without_issues_are_reported_with_none(folder: Path) -> None:
    result = scan(folder)
    assert issues_of(result) == set()
    assert result.n_leaks == 0
    assert result.counts["test/dog"] == 4


def test_every_planted_issue_is_reported_and_nothing_else(folder: Path) -> None:
    planted = planted_in(folder)
    assert issues_of(scan(folder)) == planted


def test_the_quarantine_lists_harmful_images_and_deletes_none(folder: Path) -> None:
    planted = planted_in(folder)
    before = images_in(folder)
    result = scan(folder)
    write_quarantine(folder, result.quarantine)
    assert set(result.quarantine) == {path for path, kind in planted if kind in QUARANTINED}
    assert result.quarantine["train/cat/leak.jpg"] == "leak test/cat/0.jpg"
    assert read_quarantine(folder) == {folder / path for path in result.quarantine}
    assert images_in(folder) == before
    assert result.n_leaks == 4


def test_near_duplicates_are_listed_in_groups_without_the_images_in_quarantine(folder: Path) -> None:
    plant_issues(folder)
    write_near_duplicates(folder, scan(folder).near_duplicates)
    pairs = {"2.jpg": "near.jpg", "3.jpg": "brighter.jpg", "0.jpg": "larger.png"}
    expected = {folder / f"train/dog/{name}": min(pair) for pair in pairs.items() for name in pair}
    assert {path: Path(group).name for path, group in read_near_duplicates(folder).items()} == expected


def test_a_chain_of_near_duplicates_is_one_group_although_its_ends_differ(tmp_path: Path) -> None:
    one, other = draw_image("cat", "chainA"), draw_image("cat", "chainB")
    names = ["cat/a.png", "cat/b.png", "cat/c.png"]
    (tmp_path / "cat").mkdir()
    for name, strength in zip(names, (0, 0.2, 0.29), strict=True):
        Image.blend(one, other, strength).save(tmp_path / name)
    assert scan(tmp_path).near_duplicates == [names]


def test_progress_counts_every_image(folder: Path) -> None:
    steps: list[tuple[int, int]] = []
    scan(folder, lambda _, done, total: steps.append((done, total)))
    assert steps == [(done, 16) for done in range(1, 17)]


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError, match="has no images"):
            scan(folder)
