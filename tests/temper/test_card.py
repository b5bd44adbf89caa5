import dataclasses
import json
from pathlib import Path

import pytest

from temper.card import Card, card_path, read_card, versions, write_card
from temper.errors import UserError

CARD = Card(("cat", "dog"), 224, "int8", (1, 8, 32), "ab" * 32, {"file": "model.fp32.onnx"}, {"to": "onnx"})


def test_a_card_reads_back_as_it_was_written(tmp_path: Path) -> None:
    artifact = tmp_path / "model.int8.plan"
    artifact.touch()
    write_card(artifact, CARD)
    assert read_card(artifact) == CARD
    assert card_path(artifact).name == "model.int8.plan.json"


def test_a_card_is_plain_json(tmp_path: Path) -> None:
    write_card(tmp_path / "a.onnx", CARD)
    assert json.loads((tmp_path / "a.onnx.json").read_text())["labels"] == ["cat", "dog"]


def test_a_later_field_is_ignored(tmp_path: Path) -> None:
    artifact = tmp_path / "a.onnx"
    artifact.touch()
    fields = dataclasses.asdict(CARD) | {"invented_later": 1}
    card_path(artifact).write_text(json.dumps(fields))
    assert read_card(artifact) == CARD


BAD_CARDS = {
    "cut off": ('{"labels": ["cat"', "cannot be read"),
    "not an object": ("[1, 2]", "schema None"),
    "of another schema": (json.dumps(dataclasses.asdict(CARD) | {"schema": 99}), "schema 99"),
    "without a size": (json.dumps({"schema": 1, "labels": ["cat", "dog"]}), "is not a card"),
    "with one label": (json.dumps(dataclasses.asdict(CARD) | {"labels": ["cat"]}), "two labels"),
    "with a size in words": (json.dumps(dataclasses.asdict(CARD) | {"size": "large"}), "is not a card"),
    "of an unknown precision": (json.dumps(dataclasses.asdict(CARD) | {"precision": "fp4"}), "fp32, fp16, int8"),
}


@pytest.mark.parametrize("what", BAD_CARDS)
def test_a_bad_card_is_one_sentence_with_a_remedy(tmp_path: Path, what: str) -> None:
    text, words = BAD_CARDS[what]
    artifact = tmp_path / "a.onnx"
    artifact.touch()
    card_path(artifact).write_text(text)
    with pytest.raises(UserError, match="make convert") as caught:
        read_card(artifact)
    assert words in str(caught.value)


def test_an_artifact_without_a_card_says_so(tmp_path: Path) -> None:
    artifact = tmp_path / "a.onnx"
    artifact.touch()
    with pytest.raises(UserError, match=r"has no card.*a\.onnx\.json"):
        read_card(artifact)


def test_a_missing_artifact_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        read_card(tmp_path / "a.onnx")


def test_versions_leave_out_what_is_not_installed() -> None:
    found = versions("numpy", "no-such-package")
    assert set(found) == {"python", "numpy"}
