"""The schema of a card."""

import json

import msgspec
import pytest

from docs.reference.card import page, schema
from temper.card import Card, LatencyBudget, records
from temper.card.files import card_text

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


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_record_and_every_field_is_on_the_page(record: type[msgspec.Struct]) -> None:
    section = page().partition(f"## `{record.__name__}`\n")[2].partition("\n## ")[0]
    fields = msgspec.structs.fields(record)
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert len(rows) == len(fields)
    for field, row in zip(fields, rows, strict=True):
        if not record.__struct_config__.array_like:
            assert row.startswith(f"| `{field.encode_name}` |")
            assert row.endswith("| required |") == field.required


def test_limits_are_words() -> None:
    assert "| `size` | whole number, at least 1, at most 16384 | required |" in page()
    assert "| `latency_budget` | [`LatencyBudget`](#latencybudget) or null | `null` |" in page()
    assert LatencyBudget.__name__ in page()
