"""The schema of a card."""

import json
from pathlib import Path

import msgspec
import pytest

from docs.reference.card import REQUIRED, page, schema
from temper.card import Card, LatencyBudget, card_path, read_card, records
from temper.card.files import card_text
from temper.errors import ArtifactError

RECORDS = [
    each
    for each in vars(records).values()
    if isinstance(each, type) and issubclass(each, msgspec.Struct) and each is not msgspec.Struct
]


def test_the_schema_accepts_a_card_and_refuses_a_wrong_one() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    written = json.loads(card_text(Card(labels=("cat", "dog"), size=224)))
    jsonschema.validate(written, json.loads(schema()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**written, "size": 0}, json.loads(schema()))


def test_a_field_is_required_where_no_card_is_read_without_it(tmp_path: Path) -> None:
    written = json.loads(card_text(Card(labels=("cat", "dog"), size=224)))
    del written["card_sha256"]
    artifact = tmp_path / "model.onnx"
    artifact.touch()
    refused = set()
    for name in written:
        rest = {field: value for field, value in written.items() if field != name}
        card_path(artifact).write_text(json.dumps(rest))
        try:
            read_card(artifact)
        except ArtifactError:
            refused.add(name)
    assert refused == set(json.loads(schema())["$defs"]["Card"]["required"])


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_record_and_every_field_is_on_the_page(record: type[msgspec.Struct]) -> None:
    section = page().partition(f"## `{record.__name__}`\n")[2].partition("\n## ")[0]
    fields = msgspec.structs.fields(record)
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert len(rows) == len(fields)
    for field, row in zip(fields, rows, strict=True):
        if not record.__struct_config__.array_like:
            assert row.startswith(f"| `{field.encode_name}` |")
            is_required = field.required or (record is Card and field.name in REQUIRED)
            assert row.endswith("| required |") == is_required


def test_limits_are_words() -> None:
    assert "| `size` | whole number, at least 1, at most 16384 | required |" in page()
    assert "| `latency_budget` | [`LatencyBudget`](#latencybudget) or null | `null` |" in page()
    assert LatencyBudget.__name__ in page()
