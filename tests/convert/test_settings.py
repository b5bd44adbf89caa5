import pytest

from convert.settings import DEFAULT_BATCH, ConversionSettings, parse_batch
from temper.card import BatchRange
from temper.errors import UsageError
from temper.formats import FORMATS


def test_a_selection_consists_of_plain_json_values() -> None:
    settings = ConversionSettings(builder_options=("level=5",))
    assert settings.select(("batch", "seed", "builder_options")) == {
        "batch": [1, 8, 32],
        "seed": 0,
        "builder_options": ["level=5"],
    }


def test_every_setting_that_a_format_names_exists() -> None:
    for each in FORMATS:
        for conversion in each.conversions.values():
            ConversionSettings().select(conversion.settings)


@pytest.mark.parametrize(
    ("field", "option"),
    [({"calibration_images": 0}, "--calibration-images is 0"), ({"max_float_layers": -1}, "--max-float-layers is -1")],
)
def test_a_number_that_is_too_small_is_a_usage_error(field: dict[str, int], option: str) -> None:
    with pytest.raises(UsageError, match=rf"{option}\. Expected \d or more"):
        ConversionSettings(**field)  # type: ignore[arg-type]


def test_a_batch_range_is_parsed() -> None:
    assert parse_batch("2:4:16") == BatchRange(2, 4, 16)
    assert parse_batch("1:8:32") == DEFAULT_BATCH


@pytest.mark.parametrize("text", ["8", "1:8", "0:1:2", "8:1:32", "1:8:4", "a:b:c"])
def test_a_batch_range_is_three_numbers_in_order(text: str) -> None:
    with pytest.raises(UsageError, match="is not a range of batch sizes"):
        parse_batch(text)
