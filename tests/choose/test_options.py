import argparse
from pathlib import Path

import pytest

from choose.options import networks_of
from choose.run import parse
from temper.errors import UsageError

START = ["--data", "photos"]


def networks(*words: str) -> argparse.Namespace:
    return parse([*START, *words])


def test_every_backbone_at_every_size_is_a_network_in_a_folder_of_its_own() -> None:
    made = networks_of(networks("--backbones", "resnet50", "mobilenetv2", "--sizes", "160", "224", "160", "--out", "a"))
    assert [each.name for each in made] == ["resnet50-160", "resnet50-224", "mobilenetv2-160", "mobilenetv2-224"]
    assert made[0].model.path == Path("a/resnet50-160/model.keras")
    assert {each.weights for each in made} == {"imagenet"}


def test_weights_are_those_of_one_backbone_each(tmp_path: Path) -> None:
    file = tmp_path / "some=weights.h5"
    file.touch()
    words = ("--backbones", "resnet50", "mobilenetv2", "--sizes", "160", "--weights", "imagenet", f"resnet50={file}")
    assert [each.weights for each in networks_of(networks(*words))] == [str(file), "imagenet"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--backbones", "resnet5"], "resnet5 is no backbone. Expected some of resnet50, "),
        (["--weights", "resnet50.h5"], r"--weights resnet50.h5 is not possible. Expected imagenet, or BACKBONE=FILE"),
        (["--backbones", "resnet50,mobilenetv2"], "with spaces between them"),
        (["--weights", "resnet50="], "--weights resnet50= is not possible"),
        (["--seed", "-1"], "--seed is -1. Expected a number from 0 to 4294967295"),
        (["--held-out-fraction", "0"], "--held-out-fraction is 0. Expected a number from 0.01 to 0.9"),
        (["--weights", "convnexttiny=a.h5"], "--weights convnexttiny=a.h5 is not possible"),
        (["--weights", "resnet50=nowhere.h5"], "nowhere.h5 is no file. Expected a file of weights of resnet50"),
    ],
)
def test_a_mistake_is_a_usage_error(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        networks_of(networks(*words))


@pytest.mark.parametrize(
    "words",
    [
        ["--sizes", "31"],
        ["--sizes", "160,224"],
        ["--max-ms", "nan"],
        ["--max-loss", "-1"],
        ["--max-images", "0"],
        ["--min-accuracy", "0.97"],
        ["--min-accuracy", "101"],
    ],
    ids=" ".join,
)
def test_a_number_outside_its_limits_ends_the_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        networks(*words)
    assert ended.value.code == 2
    assert f"argument {words[0]}: expected " in capsys.readouterr().err


def test_rare_options_are_in_the_complete_help_only(capsys: pytest.CaptureFixture[str]) -> None:
    for word, is_shown in (("--help", False), ("--help-all", True)):
        with pytest.raises(SystemExit) as ended:
            parse([word])
        assert not ended.value.code
        assert ("--measure-again" in capsys.readouterr().out) is is_shown
