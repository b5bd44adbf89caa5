from pathlib import Path

import pytest

from temper.artifact import Artifact
from temper.card import Dataset, FileReference
from temper.dataset.split import SUBSETS, Example, read_split, split_fraction, write_split
from temper.errors import DataError
from temper.storage.digest import sha256_of


def paths(model: Path, folder: Path | None = None) -> dict[str, set[Path]]:
    artifact = Artifact.at(model)
    return {subset: {each.path for each in read_split(artifact, subset, folder)} for subset in SUBSETS}


def test_the_subsets_read_back_and_do_not_overlap(bundle: Path) -> None:
    subsets = paths(bundle)
    assert {name: len(inside) for name, inside in subsets.items()} == {"train": 48, "val": 16, "test": 16}
    assert len(set.union(*subsets.values())) == 80


def test_examples_have_the_label_of_their_folder_and_their_hash(bundle: Path) -> None:
    examples = read_split(Artifact.at(bundle), "test")
    assert all(each.label == each.path.parent.name and each.subset == "test" for each in examples)
    assert all(len(each.sha256) == 64 for each in examples)


def test_a_converted_artifact_has_the_split_of_its_model(bundle: Path) -> None:
    assert paths(bundle.with_name("model.fp32.onnx")) == paths(bundle)


def test_images_that_moved_are_read_from_the_named_folder(bundle: Path) -> None:
    moved = bundle.parent / "elsewhere"
    (bundle.parent / "images").rename(moved)
    assert all(path.is_file() and path.is_relative_to(moved) for path in paths(bundle, moved)["test"])


def test_missing_images_are_an_error_that_names_the_option(bundle: Path) -> None:
    with pytest.raises(DataError, match=r"16 of 16 images.*--data FOLDER"):
        read_split(Artifact.at(bundle), "test", bundle.parent / "nowhere")


@pytest.mark.parametrize("change", [lambda text: text.replace("test", "train"), None], ids=["changed", "missing"])
def test_a_changed_or_missing_split_is_refused(bundle: Path, change: object) -> None:
    split = bundle.with_name("model.split.csv")
    if callable(change):
        split.write_text(change(split.read_text()))
    else:
        split.unlink()
    with pytest.raises(DataError, match="is missing or is not the split"):
        read_split(Artifact.at(bundle), "test")


def test_a_card_without_a_dataset_is_refused(bundle: Path) -> None:
    artifact = Artifact.at(bundle)
    with pytest.raises(DataError, match="names no split"):
        read_split(Artifact.with_card(bundle, artifact.card.changed(dataset=None)), "test")


def test_a_split_is_a_csv_with_paths_relative_to_the_folder(tmp_path: Path) -> None:
    example = Example(path=tmp_path / "cat" / "a, b.png", label="cat", subset="val", sha256="ab" * 32)
    reference = write_split(tmp_path / "model.split.csv", tmp_path, [example])
    assert isinstance(reference, FileReference)
    assert reference.file == "model.split.csv"
    lines = (tmp_path / "model.split.csv").read_text().splitlines()
    assert lines == ["path,label,subset,sha256", f'"cat/a, b.png",cat,val,{"ab" * 32}']


def test_the_name_of_an_image_may_be_any_bytes(bundle: Path) -> None:
    folder = bundle.with_name("odd")
    example = Example(path=folder / "red" / "caf\udce9.png", label="red", subset="test", sha256="ab" * 32)
    example.path.parent.mkdir(parents=True)
    example.path.touch()
    split = write_split(bundle.with_name("model.split.csv"), folder, [example])
    card = Artifact.at(bundle).card.changed(dataset=Dataset(split=split, folder=str(folder)))
    assert read_split(Artifact.with_card(bundle, card), "test") == [example]
    assert example.name == r"red/caf\xe9.png"


def test_a_split_of_temper_0_1_is_read(bundle: Path) -> None:
    """It calls the column `part`."""
    split, artifact = bundle.with_name("model.split.csv"), Artifact.at(bundle)
    expected = paths(bundle)
    split.write_text(split.read_text().replace("path,label,subset,sha256", "path,label,part,sha256"))
    dataset = artifact.card.dataset
    assert dataset is not None
    renamed = type(dataset)(split=FileReference(split.name, sha256_of(split)), folder=dataset.folder)
    former = Artifact.with_card(bundle, artifact.card.changed(dataset=renamed))
    assert {each.path for each in read_split(former, "train")} == expected["train"]


def test_fractions_are_even_and_depend_on_content_and_seed() -> None:
    fractions = [split_fraction(f"{i:064x}", seed=0) for i in range(2000)]
    assert all(0 <= each < 1 for each in fractions)
    assert 0.45 < sum(fractions) / len(fractions) < 0.55
    assert fractions[0] == split_fraction(f"{0:064x}", seed=0) != split_fraction(f"{0:064x}", seed=1)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"subset\ntest\n", b"path,label,subset,sha256\n,,test\n"])
def test_a_file_that_is_no_split_is_a_data_error_although_its_hash_is_right(bundle: Path, content: bytes) -> None:
    model = Artifact.at(bundle)
    split = bundle.with_name("model.split.csv")
    split.write_bytes(content)
    assert model.card.dataset
    dataset = type(model.card.dataset)(split=FileReference(split.name, sha256_of(split)), folder="images")
    with pytest.raises(DataError):
        read_split(Artifact.with_card(bundle, model.card.changed(dataset=dataset)), "test")
