import argparse
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from temper.errors import UsageError, UserError
from train.cli_options import FIELDS, check_options, config_of, options_that_need_weights
from train.config import Augmentation, TrainingConfig
from train.run import parse

MAX_COMMON_OPTIONS = 12
# Recorded with their hash, see below.
FILES = ("weights", "teacher")


def options(*words: str) -> argparse.Namespace:
    return parse(["--data", "photos", *words])


@pytest.fixture
def help_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """The help that an option prints, on wide lines."""
    monkeypatch.setenv("COLUMNS", "200")

    def read(word: str) -> str:
        with pytest.raises(SystemExit):
            parse([word])
        return capsys.readouterr().out

    return read


def listed(text: str) -> list[str]:
    """The option lines of a help text."""
    return re.findall(r"^  (-.*)", text, re.MULTILINE)


def test_plain_help_lists_at_most_twelve_options(help_text: Callable[[str], str]) -> None:
    text = help_text("--help")
    assert len(listed(text)) <= MAX_COMMON_OPTIONS
    for words in (
        "--data FOLDER",
        "--weights WEIGHTS",
        "--epochs N",
        "(default: 224; 64 with --weights none)",
        "--help-all",
    ):
        assert words in text


def test_help_all_lists_every_field_with_its_default(help_text: Callable[[str], str]) -> None:
    text = help_text("--help-all")
    general = ("-h, --help", "--help-all", "-v, --verbose", "-q, --quiet")
    assert len(listed(text)) == len(FIELDS) + len(general)
    for words in (
        "(default: 25.0)",
        "(default: 256; 0 with --head lbfgs)",
        "(default: 0.5)",
        "--no-flip",
        "convnexttiny",
        "--distribute",
    ):
        assert words in text


def test_no_option_gives_the_default_configuration() -> None:
    assert config_of(options(), "imagenet") == TrainingConfig()


def test_every_option_reaches_the_configuration() -> None:
    for each in FIELDS:
        for kind in (TrainingConfig, Augmentation):
            if each.name not in kind.__dataclass_fields__ or each.name in FILES:
                continue
            value, word = changed_value(each.default, each.metadata["option"].choices)
            flag = f"--{'no-' if value is False else ''}{each.name.replace('_', '-')}"
            config = config_of(options(flag, *word), "imagenet")
            owner = config.augmentation if kind is Augmentation else config
            assert getattr(owner, each.name) == value, each.name


def changed_value(default: object, choices: "list[str] | None") -> tuple[object, list[str]]:
    """Another value than the default, and how it is written."""
    if default is True:
        return False, []
    if choices:
        value = next(each for each in choices if each != default)
        return value, [value]
    assert isinstance(default, (int, float))
    return default + 1, [str(default + 1)]


@pytest.mark.parametrize(
    ("words", "weights", "expected"),
    [
        (["--trainable", "all"], "imagenet", {"trainable": "all", "size": 224, "batch": 16, "learning_rate": 1e-3}),
        ([], "none", {"trainable": "all", "size": 64, "epochs": 8, "batch": 16, "learning_rate": 1e-3}),
        (["--epochs", "3"], "none", {"epochs": 3, "size": 64}),
        (["--head", "lbfgs"], "imagenet", {"hidden_units": 0, "distillation_temperature": 1.0}),
    ],
)
def test_other_options_change_defaults(words: list[str], weights: str, expected: dict[str, object]) -> None:
    config = config_of(options(*words), weights)
    assert {name: getattr(config, name) for name in expected} == expected


def test_weights_of_a_file_are_recorded_with_their_hash(tmp_path: Path) -> None:
    path = tmp_path / "a.weights.h5"
    path.write_bytes(b"weights")
    assert re.fullmatch(r"a\.weights\.h5 sha256:[0-9a-f]{64}", config_of(options(), str(path)).weights)


def test_a_teacher_is_recorded_with_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "teacher.keras"
    path.write_bytes(b"network")
    first = config_of(options("--teacher", str(path)), "none")
    assert re.fullmatch(r"teacher\.keras sha256:[0-9a-f]{64}", first.teacher)
    assert first.has_teacher
    path.write_bytes(b"another network")
    assert config_of(options("--teacher", str(path)), "none") != first


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--teacher", "missing.keras"], "Expected an existing model.keras"),
        (["--teacher", "{}/teacher.onnx"], "Expected an existing model.keras"),
        (["--teacher", "{}/teacher.keras", "--out", "{}/teacher.keras"], "would replace its teacher"),
        (["--teacher", "{}/teacher.keras", "--distribute", "mirrored", "--trainable", "all"], "with --distribute"),
        (["--teacher", "{}/teacher.keras", "--head", "lbfgs", "--distillation-temperature", "2"], "temperature 1 only"),
        (["--distillation-temperature", "0.5"], "--distillation-temperature is 0.5. Expected a number from 1 to 20"),
        (["--distillation-weight", "1.5"], "--distillation-weight is 1.5"),
        (["--distillation-weight", "0.5"], "change nothing without a teacher. Add --teacher FILE"),
        (["--distillation-temperature", "4"], "change nothing without a teacher"),
        (["--teacher", "{}/teacher.keras"], "teacher.keras has no card: teacher.keras.json was expected beside it"),
    ],
)
def test_a_teacher_that_cannot_be_used_is_refused(words: list[str], message: str, tmp_path: Path) -> None:
    for name in ("teacher.keras", "teacher.onnx"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=re.escape(message)):
        check_options(options(*(word.format(tmp_path) for word in words)))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--size", "31"], "--size is 31. Expected a number from 32"),
        (["--held-out-fraction", "0"], "--held-out-fraction is 0"),
        (["--learning-rate", "nan"], "--learning-rate is nan"),
        (["--label-smoothing", "1"], "--label-smoothing is 1"),
        (["--out", "model.onnx"], "ends in .keras"),
        (["--weights", "missing.h5"], "missing.h5 does not exist"),
    ],
)
def test_values_that_cannot_be_used_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        check_options(options(*words))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--weights", "none", "--trainable", "head"], "--trainable all"),
        (["--weights", "none", "--fine-tune", "2"], "here every layer is trained"),
        (["--head", "lbfgs", "--hidden-units", "8"], "without a hidden layer"),
        (["--head", "lbfgs", "--lr-range-test"], "has no learning rate"),
        (["--distribute", "workers"], "a head alone is trained in seconds"),
        (["--force-suspects", "--no-suspects"], "--force-suspects contradicts --no-suspects"),
    ],
)
def test_options_that_contradict_each_other_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        check_options(options(*words))


def test_options_that_mean_nothing_from_scratch_need_weights() -> None:
    assert options_that_need_weights(options()) == []
    assert options_that_need_weights(options("--trainable", "all", "--distribute", "mirrored")) == []
    words = ("--trainable", "head", "--head", "lbfgs", "--fine-tune", "2")
    assert options_that_need_weights(options(*words)) == ["--trainable head", "--head lbfgs", "--fine-tune"]
