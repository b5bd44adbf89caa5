"""What is wrong with a card, in plain words instead of those of the library that reads it."""

import re

import msgspec

from temper.card.values import FILE_NAME, NOT_BLANK, SHA256

KINDS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "array": "a list",
    "object": "named fields", "null": "null",
}  # fmt: skip
PATTERNS = {FILE_NAME: "the name of a file beside the card", SHA256: "a SHA-256", NOT_BLANK: "text that is not blank"}
PHRASES = {
    "Object missing required field": "it does not contain",
    "Object contains": "it contains an",
    "of length >=": "with a length of at least",
    "of length <=": "with a length of at most",
    ">=": "of at least",
    "<=": "of at most",
}


def in_words(error: Exception) -> str:
    """What an error says that was raised while a card was converted: first the field, where it is known.

    >>> in_words(msgspec.ValidationError("Expected `int`, got `str` - at `$.batch[0]`"))
    'batch[0]: expected a whole number, got text'
    """
    if isinstance(error, KeyError):
        return f"it does not contain {error.args[0]}"
    if isinstance(error, (TypeError, AttributeError)):
        return "a field is of another kind than expected"
    text, _, place = str(error).partition(" - at `$")
    if not isinstance(error, msgspec.ValidationError):
        return text
    for pattern, words in PATTERNS.items():
        text = text.replace(f"`str` matching regex {pattern!r}", words)
    for phrase, words in PHRASES.items():
        text = text.replace(phrase, words)
    text = re.sub("`([^`]*)`", lambda match: " or ".join(KINDS.get(each, each) for each in match[1].split(" | ")), text)
    text = re.sub("^Invalid enum value (.*)", r"\1 is not one of the possible values", text, flags=re.DOTALL)
    field = place.removesuffix("`").replace("[...]", "").removeprefix(".")
    return f"{field}: {text[:1].lower()}{text[1:]}" if field else text
