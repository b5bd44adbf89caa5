"""What the pipeline does with a conversion that the accuracy gate rejects."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from convert.job import CardFields, Converter, Job
from convert.pipeline import ConversionRejected
from convert.verification.accuracy_gate import GateLimits
from temper.artifact import Artifact
from temper.card import card_path, read_card, write_card
from temper.errors import ArtifactError
from temper.reference import read_reference, write_reference
from temper.runners.load import open_runner
from temper.runners.self_test import self_test
from temper.storage.digest import sha256_of
from temper.storage.publish import journal_of
from tests import tiny
from tests.convert.converters import contents, copying, inverting, use


def test_a_rejected_conversion_is_stored_where_nothing_loads_it(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(inverting, monkeypatch)
    with pytest.raises(ConversionRejected, match=r"copy\.onnx is rejected: top-1 accuracy drops by"):
        tiny.pipeline_of(bundle).build(copy, "fp16")
    assert not copy.path.exists()
    assert not copy.card_path.exists()
    rejected = read_card(bundle.with_name("copy.onnx.rejected")).measured_agreement
    assert rejected is not None
    assert rejected.agreement == 0


def test_a_rejected_rebuild_leaves_the_published_artifact_and_its_card(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.pipeline_of(bundle).build(copy, "fp16")
    before = contents(copy)
    use(inverting, monkeypatch)
    with pytest.raises(ConversionRejected):
        tiny.pipeline_of(bundle).build(Artifact.at(copy.path), "fp16", force=True)
    after = contents(copy)
    assert {name: after[name] for name in before} == before
    with open_runner(Artifact.at(copy.path)):
        pass


def test_a_later_success_removes_the_rejected_file(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(inverting, monkeypatch)
    with pytest.raises(ConversionRejected):
        tiny.pipeline_of(bundle).build(copy, "fp16")
    use(copying, monkeypatch)
    tiny.pipeline_of(bundle).build(copy, "fp16")
    assert not list(bundle.parent.glob("*.rejected*"))


def test_files_beside_the_artifact_are_set_aside_with_it(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = copy.path.with_name("copy.onnx.layers.json")

    def with_layers(job: Job) -> Iterator[CardFields]:
        job.target.with_name("copy.onnx.layers.json").write_text(converter.__name__)
        yield from converter(job)

    converter = copying
    use(with_layers, monkeypatch)
    tiny.pipeline_of(bundle).build(copy, "fp16")
    converter = inverting
    with pytest.raises(ConversionRejected):
        tiny.pipeline_of(bundle).build(Artifact.at(copy.path), "fp16", force=True)
    assert layers.read_text() == "copying"
    assert layers.with_name("copy.onnx.layers.json.rejected").read_text() == "inverting"
    converter = copying
    tiny.pipeline_of(bundle).build(Artifact.at(copy.path), "fp16", force=True)
    assert not list(bundle.parent.glob("*.rejected*"))


def test_a_rejected_folder_and_its_companions_are_replaced_and_removed(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Artifact.at(bundle.with_name("model.fp32.savedmodel"))
    verdicts = [["worse"], ["worse"], []]

    def saving(job: Job) -> Iterator[CardFields]:
        job.target.mkdir()
        shutil.copy(bundle.with_name("model.fp32.onnx"), job.target / "graph.onnx")
        yield CardFields()

    def load(artifact: Artifact, **_: object) -> object:
        return open_runner(Artifact.at(bundle.with_name("model.fp32.onnx")))

    monkeypatch.setattr("convert.exporters.saved_model.convert", saving)
    monkeypatch.setattr("convert.pipeline.load_runner", load)
    monkeypatch.setattr("convert.pipeline.violations", lambda *_: verdicts.pop(0))
    for _ in range(2):
        with pytest.raises(ConversionRejected):
            tiny.pipeline_of(bundle).build(target, "fp32")
        assert bundle.with_name("model.fp32.savedmodel.rejected").is_dir()
        assert not target.path.exists()
    tiny.pipeline_of(bundle).build(target, "fp32")
    assert not list(bundle.parent.glob("*.rejected*"))
    assert not list(bundle.parent.glob(".*"))


def test_a_second_candidate_is_asked_for_only_after_a_rejection(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def improving(job: Job) -> Iterator[CardFields]:
        for number, converter in enumerate((inverting, copying, inverting)):
            made.append(number)
            yield from converter(job)

    use(improving, monkeypatch)
    tiny.pipeline_of(bundle).build(copy, "fp16")
    assert made == [0, 1]
    assert card_path(copy.path).exists()


def test_limits_of_the_gate_decide(bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    use(inverting, monkeypatch)
    generous = GateLimits(max_drop=100, max_class_drop=100, min_agreement=0)
    tiny.pipeline_of(bundle, generous).build(copy, "fp16")
    assert copy.path.exists()


@pytest.mark.parametrize("converter", [copying, inverting])
@pytest.mark.parametrize("name", ["copy.onnx.rejected", "copy.onnx.rejected.json", "copy.onnx.layers.json.rejected"])
@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_the_user_stored_under_a_rejected_name_stays(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch, converter: Converter, name: str, kind: str
) -> None:
    use(converter, monkeypatch)
    path = bundle.with_name(name)
    thesis = path / "thesis.txt" if kind == "folder" else path
    thesis.parent.mkdir(exist_ok=True)
    thesis.write_text("five years")
    with pytest.raises(ArtifactError, match="Move it away"):
        tiny.pipeline_of(bundle).build(copy, "fp16", force=True)
    assert thesis.read_text() == "five years"


def test_files_with_similar_names_are_not_removed_with_a_rejected_one(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(inverting, monkeypatch)
    with pytest.raises(ConversionRejected):
        tiny.pipeline_of(bundle).build(copy, "fp16")
    thesis = bundle.with_name("copy.onnx.thesis.rejected")
    thesis.write_text("five years")
    use(copying, monkeypatch)
    tiny.pipeline_of(bundle).build(copy, "fp16")
    assert list(bundle.parent.glob("*.rejected*")) == [thesis]


def test_a_rejected_rebuild_of_a_new_model_leaves_the_self_test_of_published_artifacts(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.pipeline_of(bundle).build(copy, "fp16")
    reference, card = read_reference(Artifact.at(bundle)), read_card(bundle)
    assert reference is not None
    bundle.write_bytes(b"another stand-in")
    write_card(bundle, card.changed(sha256=sha256_of(bundle)))
    write_reference(Artifact.at(bundle), 1 - reference)
    fp32 = bundle.with_name("model.fp32.onnx")
    unchanged = onnx.load(fp32)

    def export(job: Job) -> Iterator[CardFields]:
        onnx.save(unchanged, job.target)
        yield CardFields()

    with tiny.exporter(export), pytest.raises(ConversionRejected):
        tiny.pipeline_of(bundle).build(Artifact.at(fp32), "fp32")
    for path in (fp32, copy.path):
        with open_runner(Artifact.at(path)) as runner:
            assert self_test(runner).passed
    assert len(list(bundle.parent.glob("*golden*"))) == 1


def test_an_interrupted_rejection_is_completed_by_the_next_conversion(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(inverting, monkeypatch)
    with pytest.raises(ConversionRejected):
        tiny.pipeline_of(bundle).build(copy, "fp16")
    rejected = bundle.with_name("copy.onnx.rejected")
    journal_of(rejected).mkdir()
    card_path(rejected).rename(journal_of(rejected) / card_path(rejected).name)
    use(copying, monkeypatch)
    tiny.pipeline_of(bundle).build(copy, "fp16")
    assert not list(bundle.parent.glob("*.rejected*"))
