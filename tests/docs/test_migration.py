"""The pages for those who come from elsewhere: short, dated, and right about our side."""

import re

import pytest

from convert.exporters.tftrt import LAST_WITH_TENSORRT
from convert.settings import RANGE_IMAGES, ConversionSettings
from tests.source import ROOT
from train.config import Augmentation, TrainingConfig

NAMES = ("from-a-tutorial", "from-tf-trt", "from-trtexec", "from-ultralytics")


def text_of(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_short_and_says_what_was_looked_at_and_when(name: str) -> None:
    text = text_of(name)
    assert len(text.splitlines()) <= 100
    assert re.search(r"Looked at[^.]*", text)
    assert "November 2026" in " ".join(text.split())
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert {"What behaves differently", "What is not here"} <= set(titles)
    assert any(title.startswith("There and here") for title in titles)


def test_defaults_are_those_of_the_code() -> None:
    config, settings, augmentation = TrainingConfig(), ConversionSettings(), Augmentation()
    tutorial, tftrt, trtexec = map(text_of, NAMES[:3])
    assert f"`--hidden-units {config.hidden_units} --dropout {config.dropout:g}`, the defaults" in tutorial
    assert f"`--backbone {config.backbone} --weights {config.weights}`, the defaults" in tutorial
    assert f"`--trainable {config.trainable}`, the default" in tutorial
    assert float(re.findall(r"`--learning-rate (\S+)`, the default", tutorial)[0]) == config.learning_rate
    assert f"rotation_range={augmentation.rotation:g}, zoom_range={augmentation.zoom:g}, " in tutorial
    assert f"width_shift_range={augmentation.shift:g}, shear_range={augmentation.shear:g})" in tutorial
    assert config.augmentation_passes == 2
    assert f"--calibration-images {settings.calibration_images}" in tftrt
    batch = f"`--batch {settings.batch.min}:{settings.batch.best}:{settings.batch.max}`"
    assert all(batch in text_of(name) for name in NAMES[1:])
    assert f"the ranges of {RANGE_IMAGES} training images" in trtexec
    assert f"TensorFlow {'.'.join(map(str, LAST_WITH_TENSORRT))} is its last release" in tftrt
