"""Protobuf's text format, in which Triton reads a model's configuration; no library is needed to write it."""

from collections.abc import Iterator, Mapping
from typing import Any

# Names and values of a message: a value is a number, a text, a Word, another message, or a list of those.
Fields = Mapping[str, Any]
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Word(str):
    """A value of an enumeration, which is written without quotation marks."""

    __slots__ = ()


def render(fields: Fields) -> str:
    """The text of a message.

    >>> print(render({"name": "cats", "kind": Word("KIND_CPU"), "input": [{"dims": [224, 224, 3]}]}), end="")
    name: "cats"
    kind: KIND_CPU
    input {
      dims: [224, 224, 3]
    }
    """
    return "".join(f"{line}\n" for line in _lines(fields))


def _lines(fields: Fields) -> Iterator[str]:
    for name, value in fields.items():
        values = value if isinstance(value, list) else [value]
        if values and isinstance(values[0], Mapping):
            for message in values:
                yield f"{name} {{"
                yield from (f"  {line}" for line in _lines(message))
                yield "}"
        elif isinstance(value, list):
            yield f"{name}: [{', '.join(map(_scalar, values))}]"
        else:
            yield f"{name}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Word) or not isinstance(value, str):
        return str(value)
    return '"' + "".join(_escaped(character) for character in value) + '"'


def _escaped(character: str) -> str:
    return ESCAPES.get(character) or (f"\\{ord(character):03o}" if ord(character) < 32 else character)
