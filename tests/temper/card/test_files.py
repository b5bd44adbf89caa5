import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from temper.card import (
    BatchRange,
    Calibration,
    Card,
    Dataset,
    FileReference,
    Host,
    LayerSensitivity,
    PlanInfo,
    Preprocessing,
    Provenance,
    Training,
    TrainingResult,
    card_path,
    read_card,
    write_card,
)  # fmt: skip
from temper.card.files import MAX_BYTES, sealed
from temper.errors import ArtifactError
from tests import tiny

CARD = Card(
    labels=("cat", "dog"),
    size=224,
    precision="int8",
    batch=BatchRange(1, 8, 32),
    sha256="ab" * 32,
    provenance=Provenance(source=FileReference("model.fp32.onnx", "cd" * 32), settings={"seed": 0}, temper="0.2.0"),
    host=Host(processor="a processor", cores=2, memory_gib=24, system="Linux x86_64"),
    dataset=Dataset(split=FileReference("model.split.csv", "ef" * 32), folder="photos", title="cats and dogs"),
    golden=FileReference("model.golden.npz", "01" * 32),
    confidence_threshold=0.6,
    training=Training(config={"epochs": 2}, result=TrainingResult(images=400, accuracy=0.9, interval=(0.8, 0.95))),
    calibration=Calibration(images=256, seed=0, sha256="23" * 32, excluded=(LayerSensitivity("conv1", 0.1),)),
    plan=PlanInfo(module="tensorrt", version="10.9.0", portable=("version",)),
    agreement=tiny.agreement(0.9, flips=2),
    not_run="there is no GPU",
)


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    (tmp_path / "model.int8.plan").touch()
    return tmp_path / "model.int8.plan"


def fields(card: Card = CARD, **changed: object) -> dict[str, Any]:
    return {**json.loads(msgspec.json.encode(card)), **changed}


def reading(artifact: Path, content: object) -> Card:
    card_path(artifact).write_text(content if isinstance(content, str) else json.dumps(content))
    return read_card(artifact)


def test_a_card_reads_back_as_it_was_written(artifact: Path) -> None:
    write_card(artifact, CARD)
    assert read_card(artifact) == CARD
    assert card_path(artifact).name == "model.int8.plan.json"


def test_a_card_is_indented_json(artifact: Path) -> None:
    write_card(artifact, CARD)
    text = card_path(artifact).read_text()
    assert json.loads(text)["labels"] == ["cat", "dog"]
    assert '\n  "schema": 2\n}\n' in text


def test_labels_of_any_script_read_back(artifact: Path) -> None:
    write_card(artifact, CARD.changed(labels=("猫", "Größe")))
    assert read_card(artifact).labels == ("猫", "Größe")


def test_a_field_of_a_later_version_is_ignored(artifact: Path) -> None:
    assert reading(artifact, fields(invented_later=1)) == CARD


DEEP = "[" * 100_000 + "]" * 100_000


def lacking(name: str) -> dict[str, Any]:
    return {key: value for key, value in fields().items() if key != name}


def agreement(**changed: object) -> dict[str, Any]:
    return fields(agreement={**fields()["agreement"], **changed})


def dataset(file: str) -> dict[str, Any]:
    return fields(dataset={**fields()["dataset"], "split": {"file": file, "sha256": "0" * 64}})


def source(file: str) -> dict[str, Any]:
    return fields(provenance={**fields()["provenance"], "source": {"file": file, "sha256": "0" * 64}})


BAD_CARDS: dict[str, tuple[object, str]] = {
    "cut off": ('{"labels": ["cat"', "cannot be read"),
    "not an object": ([1, 2], "schema None"),
    "of another schema": (fields(schema=99), "schema 99"),
    "edited": ({**sealed(fields()), "labels": ["dog", "cat"]}, "damaged or was edited: card_sha256 differs"),
    "with a checksum that is no text": (fields(card_sha256=None), "card_sha256 differs"),
    "without its precision": (lacking("precision"), "does not contain precision"),
    "without a checksum of its artifact": (lacking("sha256"), "does not contain sha256"),
    "with a checksum in words": (fields(sha256="none"), "sha256"),
    "with a label that is a number": (fields(labels=["cat", 1]), "labels"),
    "with labels in one text": (fields(labels="cat"), "labels"),
    "with an empty label": (fields(labels=["cat", ""]), "labels"),
    "with a label of kilobytes": (fields(labels=["cat", "x" * 256]), "labels"),
    "with a batch of thousands": (fields(batch=[1, 8, 4097]), "batch"),
    "with a batch of none": (fields(batch=[0, 8, 8]), "batch"),
    "with a size of none": (fields(size=0), "size"),
    "with a threshold above 1": (fields(confidence_threshold=1.5), "confidence_threshold"),
    "with a tolerance without limit": (agreement(max_difference=1e9), "agreement.max_difference"),
    "with golden images elsewhere": (fields(golden={"file": "../golden.npz", "sha256": "0" * 64}), "golden.file"),
    "with a split elsewhere": (dataset("/etc/passwd"), "dataset.split.file"),
    "with a split in a folder": (dataset("a\\b"), "dataset.split.file"),
    "with a source elsewhere": (source("../x"), "provenance.source.file"),
    "of many megabytes": (fields(not_run="x" * MAX_BYTES), "has more than the 8 MiB"),
    "without a size": ({"schema": 2, "labels": ["cat", "dog"]}, "is not a valid card"),
    "with one label": (fields(labels=["cat"]), "labels: expected a list with a length of at least 2"),
    "with a size in words": (fields(size="large"), "is not a valid card"),
    "of an unknown precision": (fields(precision="fp4"), "'fp4'"),
    "without its preprocessing": ({"schema": 2, "labels": ["cat", "dog"], "size": 8}, "does not contain preprocessing"),
    "with an unknown step of preprocessing": (
        fields(preprocessing={"mean": [1, 2, 3]}),
        "preprocessing: it contains an unknown field mean",
    ),
    "with a label twice": (fields(labels=["cat", "cat"]), "a label is listed twice"),
    "with batch sizes out of order": (fields(batch=[8, 4, 32]), "not in order: 8, 4, 32"),
    "with a gigantic size": (fields(size=10**9), "size"),
    "with a system without words": (fields(host={"system": " "}), "host.system"),
    "with deep nesting": ('{"schema": 2, "labels": ' + DEEP + "}", "cannot be read"),
    "that is nesting only": ("[" * 100_000, "cannot be read"),
    "of schema 1 with a gigantic number": (
        {"schema": 1, "labels": ["a", "b"], "size": 8, "made_on": {"build_seconds": 10**400}},
        "is not a valid card",
    ),
    "of schema 1 with a source elsewhere": (
        {"schema": 1, "labels": ["a", "b"], "size": 8, "made_from": {"file": "../x", "sha256": "0" * 64}},
        "is not a valid card",
    ),
    "of schema 1 without a size": ({"schema": 1, "labels": ["cat", "dog"]}, "is not a valid card"),
    "of schema 1 with a split in words": ({"schema": 1, "labels": ["a", "b"], "size": 8, "split": "x"}, "not a valid"),
}


@pytest.mark.parametrize("what", BAD_CARDS)
def test_a_bad_card_is_one_message_with_a_fix(artifact: Path, what: str) -> None:
    content, words = BAD_CARDS[what]
    with pytest.raises(ArtifactError, match=r"(C|c)onvert again") as caught:
        reading(artifact, content)
    assert words in str(caught.value)
    assert str(card_path(artifact)) in str(caught.value)
    assert not re.search("[`$^]|regex|Object|indices", str(caught.value))


def test_a_damaged_card_of_a_keras_model_is_made_by_training(artifact: Path) -> None:
    model = artifact.with_name("model.keras")
    model.touch()
    with pytest.raises(ArtifactError, match="Copy it again, or train again"):
        reading(model, fields(size=0))
    with pytest.raises(ArtifactError, match="Copy it again, or train again"):
        reading(model, "{")


def test_a_card_that_is_not_utf8_is_an_artifact_error(artifact: Path) -> None:
    card_path(artifact).write_bytes(b'{"labels": ["\xff"]}')
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_card(artifact)


def test_an_artifact_without_a_card_is_an_artifact_error(artifact: Path) -> None:
    with pytest.raises(ArtifactError, match=r"has no card.*model\.int8\.plan\.json"):
        read_card(artifact)


def test_a_missing_artifact_is_an_artifact_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="does not exist"):
        read_card(tmp_path / "a.onnx")


@pytest.mark.parametrize(
    ("name", "value"), [("resize", "center crop"), ("channels", "BGR"), ("interpolation", "bicubic")]
)
def test_another_preprocessing_is_an_error_that_names_the_difference(artifact: Path, name: str, value: str) -> None:
    expected = getattr(Preprocessing(), name)
    with pytest.raises(ArtifactError) as caught:
        reading(artifact, fields(preprocessing={name: value}))
    assert f"({name}: {value!r} instead of {expected!r})" in str(caught.value)
    assert "version of Temper" in caught.value.fix


def test_every_difference_of_the_preprocessing_is_named(artifact: Path) -> None:
    with pytest.raises(ArtifactError, match=r"layout: 'NCHW' instead of 'NHWC'; channels: 'BGR' instead of 'RGB'"):
        reading(artifact, fields(preprocessing={"layout": "NCHW", "channels": "BGR"}))


BAD_NAMES = ("", ".", "..", "a/b", "../x", "/etc/passwd", "a\\b", "\0", "x" * 256, "\N{BLACK STAR}" * 100)


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("schema", [1, 2])
def test_a_reference_to_a_file_is_a_name_in_the_folder(artifact: Path, name: str, schema: int) -> None:
    reference = {"file": name, "sha256": "01" * 32}
    old = {"schema": 1, "labels": ["a", "b"], "size": 8, "golden": reference}
    with pytest.raises(ArtifactError, match="is not a valid card"):
        reading(artifact, fields(golden=reference) if schema == 2 else old)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in fields()["agreement"].items() if key != name}


@pytest.mark.parametrize(
    ("agreement", "words"),
    [
        (without("cosine"), "cosine"),
        ({**fields()["agreement"], "invented": 1}, "invented"),
        ({**fields()["agreement"], "flips": [{"file": "a.png", "truth": "red", "keras": "red"}]}, "predicted"),
        ("not run", "agreement"),
    ],
    ids=["one field too few", "one field too many", "a flip without its prediction", "a text"],
)
def test_an_agreement_with_other_fields_is_an_artifact_error(artifact: Path, agreement: object, words: str) -> None:
    with pytest.raises(ArtifactError, match=rf"is not a valid card .*{words}"):
        reading(artifact, fields(agreement=agreement))
