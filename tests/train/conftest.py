"""Fixtures of the tests of train/."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import keras


@pytest.fixture(scope="session")
def tiny_backbone() -> "keras.Model":
    """A plain tiny backbone with random weights; train/ knows it by name."""
    # Imported here: most tests do without TensorFlow, whose import takes seconds.
    import keras

    from tests.train import tiny

    tiny.add_tiny()
    keras.utils.set_random_seed(0)
    return tiny.build(include_top=False, weights=None)
