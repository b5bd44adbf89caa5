"""Fixtures of the suite of train/."""

import keras
import pytest

from tests.train import tiny


@pytest.fixture(scope="session")
def tiny_backbone() -> keras.Model:
    """A plain tiny backbone with random weights; train/ knows it by name."""
    tiny.add_tiny()
    keras.utils.set_random_seed(0)
    return tiny.build(include_top=False, weights=None)
