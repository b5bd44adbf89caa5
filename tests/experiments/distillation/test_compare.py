import dataclasses
import gzip
import zipfile
from pathlib import Path

import msgspec
import pytest

from experiments.distillation import students
from experiments.distillation.compare import by_seed, cells_of, describe, parse, run, sections_of
from experiments.distillation.digits import MEMBER
from experiments.distillation.students import SETTINGS, Seed, Taught, key_of
from train.config import NO_AUGMENTATION

pytestmark = pytest.mark.tensorflow
SEED = Seed(
    teacher=0.95,
    alone=0.90,
    taught=tuple(Taught(setting=each, accuracy=0.92, agreement=0.93) for each in SETTINGS),
    n_train=800,
    n_test=1800,
    teacher_parameters=100_000,
    student_parameters=4_000,
)
SEEDS = [SEED, dataclasses.replace(SEED, alone=0.93)]


def test_a_row_has_the_paired_gain_with_its_interval() -> None:
    cells = cells_of(0, SEEDS)
    assert cells == ("2", "0.5", "92.0", "+0.5", "-18.6 to +19.6", "1 of 2", "93.0")


def test_the_text_has_the_command_that_repeats_it() -> None:
    text = describe(parse(["a.whl", "--seeds", "2", "--epochs", "3", "9"]), SEED)
    for words in ("--seeds 2 --epochs 3 9 --student 4", "about 800 training images and 1800 test images", "100,000"):
        assert words in text


def test_every_number_of_epochs_has_the_accuracies_and_two_tables() -> None:
    text, *tables = sections_of(90, SEEDS)
    assert text == "## 90 epochs\n\nTest accuracy: teacher **95.0 %**, student alone **91.5 %**."
    assert len(tables) == 2


def test_finished_seeds_are_read_and_not_trained_again(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr(MEMBER, gzip.compress(",".join(["0"] * 65).encode()))
    words = [str(tmp_path / "a.whl"), "--seeds", "2", "--epochs", "30", "--work", str(tmp_path)]
    for index, seed in enumerate(SEEDS):
        (tmp_path / f"{index}-30-4-24-2-{key_of(tmp_path / 'a.whl')}.json").write_bytes(msgspec.json.encode(seed))
    assert run(parse([*words, "--out", str(tmp_path / "a.md")])) == 0
    assert "student alone **91.5 %**" in (tmp_path / "a.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SETTINGS", SETTINGS[:1]),
        ("AUGMENTATION", NO_AUGMENTATION),
        ("LEARNING_RATE", 1e-3),
        ("BATCH", 8),
        ("package_versions", lambda *_: {}),
    ],
)
def test_seeds_of_another_configuration_or_wheel_have_other_files(
    name: str, value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "a.whl"
    wheel.write_bytes(b"digits")
    key = key_of(wheel)
    monkeypatch.setattr(students, name, value)
    assert key_of(wheel) != key
    monkeypatch.undo()
    assert key_of(wheel) == key
    wheel.write_bytes(b"other digits")
    assert key_of(wheel) != key


def test_every_seed_has_a_row() -> None:
    assert [row[:4] for row in by_seed(SEEDS).rows] == [
        ("0", "95.0", "90.0", "92.0"),
        ("1", "95.0", "93.0", "92.0"),
    ]


def test_one_seed_is_refused_because_it_has_no_interval(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["a.whl", "--seeds", "1"])
    assert "--seeds must be at least 2" in capsys.readouterr().err
