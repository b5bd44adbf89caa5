from pathlib import Path

import pytest

from experiments.backbones import cases
from experiments.backbones.run import parse, run
from temper.artifact import Artifact
from temper.card import PRECISIONS
from tests import tiny
from train.network.backbones import BACKBONES


def test_without_names_all_backbones_are_measured() -> None:
    assert parse(["--photos", "photos"]).backbones == list(BACKBONES)


def test_the_table_has_every_backbone_in_the_work_folder(
    made_bundle: Path, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []

    def build(name: str, options: object) -> None:
        built.append(name)
        for precision in PRECISIONS:
            for suffix in cases.SUFFIXES:
                tiny.pipeline_of(model).build(Artifact.at(model).sibling(precision, suffix), precision)

    work, out = tmp_path / "work", tmp_path / "table.md"
    model = work / "convnexttiny" / bundle.name
    work.mkdir()
    bundle.parent.rename(model.parent)
    monkeypatch.setattr(cases, "build", build)
    words = [
        "--photos",
        "photos",
        "--backbones",
        "convnexttiny",
        "--work",
        str(work),
        "--out",
        str(out),
        "--epochs",
        "2",
    ]
    assert run(parse(words)) == 0
    assert built == ["convnexttiny"]
    text = out.read_text()
    assert text.count("| convnexttiny | scratch |") == 6
    assert "run.py --photos photos --epochs 2`" in text


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_backbone_is_trained_and_converted_by_the_commands(tmp_path: Path) -> None:
    tiny.draw(tmp_path / "photos", 40)
    words = ["--photos", str(tmp_path / "photos"), "--backbones", "mobilenetv2", "--size", "32", "--epochs", "1"]
    assert run(parse([*words, "--work", str(tmp_path / "work"), "--out", str(tmp_path / "table.md")])) == 0
    assert (tmp_path / "table.md").read_text().count("| mobilenetv2 | scratch |") == 6
