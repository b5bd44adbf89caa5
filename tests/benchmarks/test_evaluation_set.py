import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.evaluation_set import (
    TWELVE_MEGAPIXELS,
    dataset_title_of,
    file_sets,
    image_arrays,
    load_evaluation_set,
    stratified_sample,
)
from temper.artifact import Artifact
from temper.card import Calibration, Card, Dataset, FileReference
from temper.dataset.listing import write_about
from temper.dataset.split import Example
from temper.reference import read_reference
from tests.tiny import LABELS, SIZE


def test_files_are_taken_from_all_labels_in_complete_batches() -> None:
    examples = [
        Example(path=Path(f"{i}.jpg"), label="cat" if i < 29 else "dog", subset="test", sha256="") for i in range(58)
    ]
    chosen = stratified_sample(examples, 32)
    assert (len(chosen), len({each.path for each in chosen})) == (32, 32)
    assert [each.label for each in chosen].count("cat") == 16
    assert len(stratified_sample(examples[:5], 32)) == 5


def test_the_title_with_an_int8_artifact_first_is_the_datasets_and_no_number(tmp_path: Path) -> None:
    calibration = Calibration(images=256, seed=0, sha256="")
    dataset = Dataset(split=FileReference("model.split.csv", ""), folder=str(tmp_path / "pets"), title="pets of 2026")
    card = Card(labels=LABELS, size=SIZE, precision="int8", dataset=dataset, calibration=calibration)
    assert dataset_title_of(Artifact.with_card(tmp_path / "model.int8.onnx", card)) == "pets of 2026"
    untitled = card.changed(dataset=Dataset(split=dataset.split, folder=dataset.folder))
    artifact = Artifact.with_card(tmp_path / "model.int8.onnx", untitled)
    assert dataset_title_of(artifact) == "pets"
    write_about(tmp_path / "pets", "pets by their owners", 12)
    assert dataset_title_of(artifact) == "pets by their owners"


def test_the_title_of_an_int8_artifact_of_schema_1_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "model.int8.onnx"
    path.write_bytes(b"stand-in")
    made_from = {"file": "model.fp32.onnx", "sha256": "", "keras_sha256": ""}
    split = {"file": "model.split.csv", "sha256": "", "folder": "photos/pets"}
    fields = {"schema": 1, "labels": LABELS, "size": SIZE, "precision": "int8", "sha256": "", "split": split}
    fields |= {"made_from": made_from, "recipe": {"pictures": 256}}
    path.with_name("model.int8.onnx.json").write_text(json.dumps(fields), encoding="utf-8")
    assert dataset_title_of(Artifact.at(path)) == "pets"


@pytest.mark.parametrize("max_images", [400, 5])
def test_images_and_stored_predictions_are_thinned_alike(bundle: Path, max_images: int) -> None:
    artifact = Artifact.at(bundle)
    evaluation = load_evaluation_set(artifact, None, max_images)
    everything = load_evaluation_set(artifact, None, 10**6)
    step = -(-len(everything.examples) // max_images)
    assert evaluation.title == "tiny images"
    assert evaluation.examples == everything.examples[::step]
    assert len(evaluation.examples) <= max_images
    stored = read_reference(artifact)
    assert stored is not None and evaluation.reference is not None
    assert np.array_equal(evaluation.reference, stored[::step])
    assert {each.label for each in evaluation.examples} == set(LABELS)


def test_processes_read_one_array_of_all_images_for_each_size(bundle: Path) -> None:
    evaluation = load_evaluation_set(Artifact.at(bundle), None, 4)
    with image_arrays(evaluation.examples, {SIZE, 2 * SIZE}) as paths:
        assert paths.keys() == {SIZE, 2 * SIZE}
        for size, path in paths.items():
            array = np.load(path)
            assert (array.dtype, array.shape) == (np.uint8, (len(evaluation.examples), size, size, 3))
    assert not any(path.exists() for path in paths.values())


def test_end_to_end_runs_read_small_and_large_files(bundle: Path) -> None:
    evaluation = load_evaluation_set(Artifact.at(bundle), None, 2)
    with file_sets(evaluation) as sets:
        assert [len(examples) for examples in sets.values()] == [2, 2]
        with Image.open(sets[TWELVE_MEGAPIXELS][0].path) as image:
            assert image.size == (4000, 3000)


def test_flips_find_their_files_by_label_and_name(bundle: Path) -> None:
    evaluation = load_evaluation_set(Artifact.at(bundle), None, 2)
    assert set(evaluation.files.values()) == {each.path for each in evaluation.examples}
    assert all(name.split("/")[0] in LABELS for name in evaluation.files)
