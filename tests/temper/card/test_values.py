from typing import Any

import msgspec
import pytest

from temper.card.values import MAX_BATCH, BatchSize, Difference, FileName, Fraction, Label, Sha256, Size

ALLOWED: list[tuple[Any, list[object]]] = [
    (BatchSize, [1, MAX_BATCH]),
    (Difference, [0, 1, 1.0000001]),
    (FileName, ["model.onnx", "a b", "...", "猫"]),
    (Fraction, [0, 0.5, 1]),
    (Label, ["cat", "猫", "a/b"]),
    (Sha256, ["", "0123456789abcdef" * 4]),
    (Size, [1, 16_384]),
]
REFUSED: list[tuple[Any, list[object]]] = [
    (BatchSize, [0, -1, MAX_BATCH + 1, 1.5, "1", None]),
    (Difference, [-0.1, 1.1, 1e9]),
    (FileName, ["", ".", "..", "a/b", "/a", "a\\b", "a\0", 1, None]),
    (Fraction, [-0.1, 1.1, None]),
    (Label, ["", "x" * 256, 1, None]),
    (Sha256, ["0", "0123456789ABCDEF" * 4, "0" * 64 + "\n", "0" * 65, None]),
    (Size, [0, 16_385]),
]


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in ALLOWED for value in values])
def test_a_value_that_is_allowed_is_read(kind: Any, value: object) -> None:
    assert msgspec.convert(value, kind) == value


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in REFUSED for value in values])
def test_a_value_that_is_not_allowed_is_refused(kind: Any, value: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, kind)
