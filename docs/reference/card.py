"""The page of the card's schema, and the schema itself (JSON Schema), from the types that read a card."""

import json
from typing import Any

import msgspec

from docs.reference.markdown import code, prose, table
from temper.card import Card
from temper.card.files import EXPLICIT

INTRODUCTION = """# Card schema

What a card may contain, generated from the types that check it when it is read. A field without a default is required.
[Artifacts and cards](../artifacts.md#the-card) says what each field means. The same as
[JSON Schema](card.schema.json); a card also has `card_sha256`, the checksum of its other fields.
"""
# Fields without which no card is read, although their types have a default.
REQUIRED = (*EXPLICIT, "schema")
NAMES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}
LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "pattern": "`{}`",
}


def _schema() -> dict[str, Any]:
    """The schema of the types, and the fields that reading requires besides."""
    complete: dict[str, Any] = msgspec.json.schema(Card)
    card = complete["$defs"]["Card"]
    card["required"] = [*card["required"], *REQUIRED]
    for name in REQUIRED:
        card["properties"][name].pop("default", None)
    return complete


def schema() -> str:
    """The JSON Schema of a card."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**head, **_schema()}, indent=2) + "\n"


def page() -> str:
    """The page as Markdown: a table for each record."""
    return "\n".join([INTRODUCTION, *(section(name, each) for name, each in sorted(_schema()["$defs"].items()))])


def section(name: str, record: dict[str, Any]) -> str:
    """A record: its docstring, and the type, limits and default of each field."""
    # BatchRange is an array in a card: its values have an order, and no names.
    values = record.get("properties") or {str(number): each for number, each in enumerate(record["prefixItems"], 1)}
    rows = [[code(field), words(each), default(each)] for field, each in values.items()]
    body = table(["field" if "properties" in record else "place", "value", "default"], rows)
    return f"## `{name}`\n\n{prose(record['description'], values)}\n\n{body}\n"


def words(value: dict[str, Any]) -> str:
    """The type of a field, and its limits.

    >>> words({"type": "integer", "minimum": 1})
    'whole number, at least 1'
    """
    if "anyOf" in value:
        return " or ".join(words(each) for each in value["anyOf"])
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[`{name}`](#{name.lower()})"
    if "enum" in value:
        return " or ".join(code(json.dumps(each)) for each in value["enum"])
    limits = [text.format(value[name]) for name, text in LIMITS.items() if name in value]
    return ", ".join([_base(value), *limits])


def _base(value: dict[str, Any]) -> str:
    if value.get("type") == "array":
        items = value.get("items") or {"type": "any"}
        kinds = value.get("prefixItems") or [items]
        return "list of " + ", ".join(words(each) for each in kinds)
    if value.get("type") == "object":
        content = value.get("additionalProperties")
        return f"object of {words(content)}" if isinstance(content, dict) else "object"
    return NAMES.get(value.get("type", ""), "any value")


def default(value: dict[str, Any]) -> str:
    """The default of a field; of a record, that all its fields have theirs."""
    if "default" not in value:
        return "required"
    return "its defaults" if "$ref" in value else code(json.dumps(value["default"], ensure_ascii=False))
