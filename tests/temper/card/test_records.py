import msgspec
import pytest

from temper.card import Agreement, BatchRange, Card, Dataset, FileReference, Preprocessing, Provenance
from tests import tiny


def test_records_cannot_be_changed_in_place() -> None:
    with pytest.raises(AttributeError):
        Card(labels=("cat", "dog"), size=224).size = 1  # type: ignore[misc]


def test_changed_is_a_copy_with_other_fields() -> None:
    card = Card(labels=("cat", "dog"), size=224)
    assert card.changed(size=64, precision="int8") == Card(labels=("cat", "dog"), size=64, precision="int8")
    assert card.size == 224


def test_an_unknown_field_cannot_be_changed() -> None:
    with pytest.raises(TypeError, match="no_such_field"):
        Card(labels=("cat", "dog"), size=224).changed(no_such_field=1)


def test_a_batch_range_is_a_list_in_json() -> None:
    assert msgspec.json.encode(BatchRange(1, 8, 32)) == b"[1,8,32]"


def test_an_agreement_that_was_not_measured_with_the_artifact_is_not_its_own() -> None:
    card = Card(labels=("cat", "dog"), size=224, agreement=tiny.agreement())
    assert card.measured_agreement == card.agreement
    assert card.changed(not_run="there is no GPU").measured_agreement is None
    assert card.changed(agreement=None).measured_agreement is None


def test_a_trained_model_starts_its_own_chain() -> None:
    trained = Card(labels=("cat", "dog"), size=224, sha256="a" * 64)
    converted = trained.changed(sha256="b" * 64, provenance=Provenance(model_sha256="a" * 64))
    assert trained.model_sha256 == converted.model_sha256 == "a" * 64


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        (Card, {"labels": ["cat"], "size": 8, "schema": 2}, "labels"),
        (Card, {"labels": ["cat", "dog"], "size": 0, "schema": 2}, "size"),
        (Card, {"labels": ["cat", "dog"], "size": 8, "confidence_threshold": 1.5}, "confidence_threshold"),
        (Card, {"labels": ["cat", "dog"], "size": 8, "batch": [1, 8]}, "batch"),
        (Card, {"labels": ["cat", "dog"], "size": 8, "batch": [0, 8, 8]}, "batch"),
        (Dataset, {"split": {"file": "model.split.csv"}, "folder": "photos"}, "sha256"),
        (Agreement, {**msgspec.to_builtins(tiny.agreement()), "top1": 1.01}, "top1"),
        (Agreement, {**msgspec.to_builtins(tiny.agreement()), "images": -1}, "images"),
    ],
)
def test_a_value_out_of_its_range_is_named(kind: type, fields: dict[str, object], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert(fields, kind)


def test_the_defaults_of_preprocessing_are_uint8_rgb_with_the_channels_last() -> None:
    preprocessing = Preprocessing()
    assert (preprocessing.dtype, preprocessing.layout, preprocessing.channels) == ("uint8", "NHWC", "RGB")


def test_file_references_compare_by_content() -> None:
    assert FileReference("a", "1") == FileReference("a", "1") != FileReference("a", "2")
