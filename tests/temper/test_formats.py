from dataclasses import fields
from importlib.util import find_spec

import pytest

from convert.settings import ConversionSettings
from temper.card import PRECISIONS
from temper.formats import FORMATS, Format, format_of, suffixes

each_format = pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.suffix)


@each_format
def test_a_suffix_belongs_to_one_format(each: Format) -> None:
    assert format_of(f"model.int8{each.suffix}") is each
    assert [other for other in suffixes() if each.suffix.endswith(other)] == [each.suffix]


@pytest.mark.parametrize("name", ["model.engine", "model", "model.onnx.rejected", ""])
def test_another_suffix_belongs_to_none(name: str) -> None:
    assert format_of(name) is None


@each_format
def test_the_modules_that_a_row_names_are_there(each: Format) -> None:
    named = [each.runner, each.buildable, *(conversion.function for conversion in each.conversions.values())]
    for name in filter(None, named):
        module, _, attribute = name.partition(":")
        assert find_spec(module), name
        assert attribute.isidentifier(), name


@each_format
def test_a_conversion_starts_from_a_format_that_can_be_made_in_that_precision(each: Format) -> None:
    for conversion in each.conversions.values():
        source = format_of(conversion.source)
        assert source is not None
        assert conversion.source_precision in (source.conversions or {"fp32"})


@each_format
def test_every_setting_of_a_conversion_exists(each: Format) -> None:
    known = {field.name for field in fields(ConversionSettings)}
    assert {name for conversion in each.conversions.values() for name in conversion.settings} <= known


def test_only_the_trained_format_is_not_converted_to() -> None:
    assert [each.suffix for each in FORMATS if not each.conversions] == [".keras"]


@each_format
def test_precisions_are_those_of_the_card(each: Format) -> None:
    assert set(each.conversions) <= set(PRECISIONS)


@each_format
def test_a_row_says_how_to_install_its_runtime(each: Format) -> None:
    assert each.title and each.requires and each.install.startswith("pip install ")


def test_a_format_can_be_a_key() -> None:
    assert len(set(FORMATS)) == len(FORMATS)
