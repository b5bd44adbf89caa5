"""The page of the Python API."""

import inspect

import temper
from docs.reference.api import page


def test_every_name_that_the_package_exports_has_a_section() -> None:
    text = page()
    assert not [name for name in temper.__all__ if name != "__version__" and f"## `temper.{name}`" not in text]


def test_a_signature_is_that_of_the_function() -> None:
    shown = page().partition("temper.load(")[2].partition(") -> Classifier")[0]
    names = [line.split(":")[0].strip() for line in shown.strip().splitlines()]
    assert [name for name in names if name != "*,"] == list(inspect.signature(temper.load).parameters)


def test_public_members_are_listed_and_private_ones_are_not() -> None:
    text = page()
    for name, _ in inspect.getmembers(temper.Classifier):
        own = name in vars(temper.Classifier)
        assert (f"### `Classifier.{name}`" in text) == (own and not name.startswith("_")), name
    assert "### `Classifier(…)`" in text


def test_parameters_are_explained_in_a_list() -> None:
    assert "\n* `top_k`: labels for each image.\n" in page()
