"""What the guides say of defaults, limits and figures is that of the code and of the results."""

import importlib
import re
import sys
import types
from pathlib import Path

import pytest

from convert.precision.calibration import BEYOND
from convert.precision.calibration_sample import MIN_CALIBRATION_IMAGES
from convert.precision.fp16 import FP16_MAX
from convert.precision.int8 import TRIAL_IMAGES
from convert.precision.quantizer import SENSITIVITY_IMAGES
from convert.settings import RANGE_IMAGES, ConversionSettings
from convert.verification.accuracy_gate import MIN_AGREEMENT, GateLimits
from temper.card import PRECISIONS
from temper.errors import UsageError
from temper.intervals import wilson
from tests.source import ROOT


def text_of(name: str) -> str:
    """A document in one line."""
    return " ".join((ROOT / name).read_text(encoding="utf-8").split())


def block(name: str, index: int) -> str:
    """A block of Python in a page."""
    blocks: list[str] = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.DOTALL
    )
    return blocks[index]


def test_the_limits_of_the_gate_are_those_of_the_code() -> None:
    text, limits = text_of("docs/int8-accuracy.md"), GateLimits()
    assert f"recall of one label | {' | '.join(3 * [f'{limits.max_class_drop:g}'])} |" in text
    assert f"top-1 accuracy | {' | '.join(3 * [f'{limits.max_drop:g}'])} |" in text
    assert f"equal labels | {' | '.join(f'{MIN_AGREEMENT[each]:g}' for each in PRECISIONS)} |" in text
    settings = ConversionSettings()
    assert f"at most {settings.max_float_layers}." in text
    assert f"below {MIN_CALIBRATION_IMAGES} a warning" in text


def test_calibration_is_explained_with_the_numbers_of_the_code() -> None:
    text, settings = text_of("docs/calibration.md"), ConversionSettings()
    assert f"{settings.calibration_images} training images" in text
    assert f"up to {TRIAL_IMAGES} images of the validation subset" in text
    assert f"on {SENSITIVITY_IMAGES} images is its sensitivity" in text
    assert f"number: {FP16_MAX:.0f}. The ranges of {RANGE_IMAGES} training images" in text
    for method, beyond in BEYOND.items():
        range_ = f"{100 * (1 - beyond):g} % of the absolute values" if beyond else "the largest absolute value"
        assert f"| `{method}` | {range_}" in text


def test_the_examples_of_intervals_are_those_of_the_code() -> None:
    for images, words in ((100, "89 to 98 %"), (400, "92 to 97 %")):
        low, high = wilson(round(0.95 * images), images)
        assert f"{100 * low:.0f} to {100 * high:.0f} %" == words
        assert words in text_of("docs/own-images.md")


def test_the_first_line_of_the_example_is_that_of_the_report() -> None:
    report = (ROOT / "benchmarks" / "results" / "photos-224" / "report.md").read_text(encoding="utf-8")
    quoted = re.search(
        r"^> (.*\n)> (.*\n)", (ROOT / "docs" / "read-a-report.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert quoted
    assert report.splitlines()[2] == f"{quoted[1].strip()} {quoted[2].strip()}"


def test_the_row_of_a_backbone_is_one() -> None:
    from train.network.backbones import BACKBONES

    names: dict[str, object] = {}
    exec(block("add-a-backbone.md", 0), names)
    assert names["ROW"] == BACKBONES["mobilenetv2"]


def test_the_command_of_the_new_stage_works(
    bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = types.ModuleType("stage")
    stage.__file__ = str(ROOT / "sort" / "run.py")
    # As Python starts a program: the folder of the file comes first.
    monkeypatch.setattr(sys, "path", [str(ROOT / "sort"), *sys.path])
    exec(block("add-a-stage.md", 0), stage.__dict__)
    assert sys.path[0] == str(ROOT)
    engine = ["--engine", str(bundle.with_name("model.fp32.onnx"))]
    assert stage.run(stage.parse([*engine, str(bundle.parent / "images")])) == 0
    assert capsys.readouterr().out.count(" %") >= 2
    with pytest.raises(UsageError, match="is no folder"):
        stage.run(stage.parse([*engine, str(bundle)]))


def test_the_files_that_the_pages_name_exist() -> None:
    from docs.reference.parsers import MODULES
    from train.disk_space import MILLIONS_OF_PARAMETERS

    assert MODULES
    assert MILLIONS_OF_PARAMETERS
    assert importlib.import_module("train.network.weight_packages")
    for page in ("add-a-stage", "add-a-backbone"):
        for name in re.findall(r"`([a-z]+/[\w/]+\.\w+)`", text_of(f"docs/{page}.md")):
            assert (ROOT / name).exists(), name
