import msgspec
import pytest

from temper.card.messages import in_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("size"), "it does not contain size"),
        (TypeError("string indices must be integers"), "a field is of another kind than expected"),
        (ValueError("it is damaged"), "it is damaged"),
        (msgspec.ValidationError("a label is listed twice"), "a label is listed twice"),
        (msgspec.ValidationError("Object missing required field `size`"), "it does not contain size"),
        (
            msgspec.ValidationError("Expected `str | null`, got `object` - at `$.host`"),
            "host: expected text or null, got named fields",
        ),
        (
            msgspec.ValidationError("Expected `float` <= 1.0 - at `$.agreement.cosine`"),
            "agreement.cosine: expected a number of at most 1.0",
        ),
        (
            msgspec.ValidationError("Invalid enum value 'fp4' - at `$.precision`"),
            "precision: 'fp4' is not one of the possible values",
        ),
    ],
)
def test_an_error_names_the_field_and_what_is_expected(error: Exception, words: str) -> None:
    assert in_words(error) == words
