"""A card that is damaged or edited by hand is refused, also where nothing else could notice it."""

import hashlib
import json
import os
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from temper.card import Card, card_path, read_card, write_card
from temper.errors import ArtifactError
from tests import tiny

CARD = Card(labels=("cat", "dog"), size=224, sha256="ab" * 32, confidence_threshold=0.6, agreement=tiny.agreement())


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    (tmp_path / "model.int8.plan").touch()
    return tmp_path / "model.int8.plan"


def fields() -> dict[str, Any]:
    """The card's fields without its own checksum."""
    return dict(json.loads(msgspec.json.encode(CARD)))


def reading(artifact: Path, content: object) -> Card:
    card_path(artifact).write_text(content if isinstance(content, str) else json.dumps(content))
    return read_card(artifact)


def test_a_card_contains_its_own_checksum(artifact: Path) -> None:
    write_card(artifact, CARD)
    stored = json.loads(card_path(artifact).read_text())
    others = {name: value for name, value in stored.items() if name != "card_sha256"}
    text = json.dumps(others, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert stored["card_sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_spaces_and_order_may_change(artifact: Path) -> None:
    write_card(artifact, CARD)
    stored = json.loads(card_path(artifact).read_text())
    assert reading(artifact, json.dumps(dict(reversed(stored.items())))) == CARD


def test_a_card_of_schema_2_without_its_own_checksum_is_read(artifact: Path) -> None:
    assert "card_sha256" not in fields()
    assert reading(artifact, fields()) == CARD


def test_a_flipped_bit_is_refused_or_changes_nothing(artifact: Path) -> None:
    write_card(artifact, CARD)
    intact, random = card_path(artifact).read_bytes(), Random(0)
    refused = 0
    for _ in range(2_000):
        content = bytearray(intact)
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        card_path(artifact).write_bytes(content)
        try:
            assert read_card(artifact) == CARD
        except ArtifactError:
            refused += 1
    assert refused > 1_000


def test_a_pipe_in_place_of_a_card_does_not_block(artifact: Path) -> None:
    os.mkfifo(card_path(artifact))
    with pytest.raises(ArtifactError, match="is not a regular file"):
        read_card(artifact)
