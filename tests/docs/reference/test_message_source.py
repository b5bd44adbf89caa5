"""Messages that are read from the source."""

import ast
import re

import pytest

from convert.verification.accuracy_gate import GateLimits
from docs.reference.message_source import INSERTED, Message, all_messages, messages_of
from temper.artifact import Artifact
from temper.errors import UserError

SOURCE = """
HINT = "Look there."

def find(path, is_new):
    fix = "Make it." if is_new else HINT
    raise DataError(f"{path} is missing" + " here", fix=fix)

def _refuse(path, why, fix=HINT):
    return ArtifactError(f"{path} is refused: {why}", fix=fix)

def load(path):
    raise _refuse(path, "it is too old")

def check(path):
    raise _refuse(path, "it is too large", fix="Make it smaller.")
"""


def messages(source: str) -> set[Message]:
    tree = ast.parse(source)
    return set(messages_of(tree, {"HINT": ["Look there."]}))


def test_constants_choices_and_arguments_of_helpers_are_followed() -> None:
    assert messages(SOURCE) == {
        Message("DataError", "… is missing here", "Make it."),
        Message("DataError", "… is missing here", "Look there."),
        Message("ArtifactError", "… is refused: it is too old", "Look there."),
        Message("ArtifactError", "… is refused: it is too large", "Make it smaller."),
    }


def test_a_name_that_is_assigned_twice_is_not_guessed() -> None:
    source = 'def f():\n    what = "one is wrong"\n    what = "two is wrong"\n    raise UserError(what)\n'
    assert messages(source) == {Message("UserError", INSERTED, "")}


def listed(error: UserError) -> bool:
    """Whether a message of the list is that of an error, with anything in place of `…`."""
    return any(
        each.kind == type(error).__name__
        and re.fullmatch(".*".join(map(re.escape, each.what.split(INSERTED))), error.what, re.DOTALL)
        and re.fullmatch(".*".join(map(re.escape, each.fix.split(INSERTED))), error.fix, re.DOTALL)
        for each in all_messages()
    )


def test_errors_that_are_raised_are_listed() -> None:
    with pytest.raises(UserError) as suffix:
        Artifact.at("cat.jpg")
    with pytest.raises(UserError) as limit:
        GateLimits(max_drop=101)
    with pytest.raises(UserError) as card:
        _ = Artifact.at("nowhere/model.onnx").card
    assert all(listed(each.value) for each in (suffix, limit, card))


def test_the_list_has_most_messages_and_their_remedies() -> None:
    found = all_messages()
    assert len(found) > 300
    without = [each for each in found if each.fix.strip(INSERTED) == ""]
    assert len(without) < 0.05 * len(found), without
