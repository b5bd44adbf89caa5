"""What a conversion asks before it begins and before it publishes, and what it leaves."""

import shutil
import tempfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from convert.job import CardFields, Converter, Job
from temper.artifact import Artifact
from temper.card import read_card, write_card
from temper.errors import ArtifactError, ResourceError
from temper.storage.atomic import FILES, SCRATCH_SUFFIX
from tests import tiny
from tests.convert.converters import contents, copying, use

Usage = namedtuple("Usage", "free")


def meanwhile(change: Converter) -> Converter:
    """A conversion during which something else happens."""

    def convert(job: Job) -> Iterator[CardFields]:
        yield from copying(job)
        list(change(job))

    return lambda job: list(convert(job)).__iter__()


def test_a_conversion_for_which_there_is_no_space_does_not_begin(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(job: Job) -> Iterator[CardFields]:
        raise AssertionError("it began")

    use(never, monkeypatch)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(300_000))
    with pytest.raises(ResourceError, match=r"the conversion to copy\.onnx writes about 1\.0 MB to"):
        tiny.pipeline_of(bundle).build(copy, "fp16")


def test_an_error_of_a_library_on_a_full_disk_names_the_disk_and_leaves_the_old_artifact(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.pipeline_of(bundle).build(copy, "fp16")
    before = contents(copy)

    def fills_the_disk(job: Job) -> Iterator[CardFields]:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0))
        raise RuntimeError("Protobuf serialization failed")
        yield

    use(fills_the_disk, monkeypatch)
    with pytest.raises(ResourceError, match=r"the conversion to copy\.onnx stopped for lack of space in"):
        tiny.pipeline_of(bundle).build(Artifact.at(copy.path), "fp16", force=True)
    assert contents(copy) == before


def test_a_source_that_is_replaced_during_the_conversion_is_not_named_by_the_card(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = bundle.with_name("model.fp32.onnx")

    def replace(job: Job) -> Iterator[CardFields]:
        source.write_bytes(source.read_bytes() + b"\n")
        write_card(source, read_card(source).changed(sha256=Artifact.at(source).sha256()))
        yield from ()

    use(meanwhile(replace), monkeypatch)
    with pytest.raises(ArtifactError, match=r"model\.fp32\.onnx was replaced during the conversion"):
        tiny.pipeline_of(bundle).build(copy, "fp16")
    assert not copy.path.exists()


def test_a_source_with_weights_in_another_file_is_refused_before_a_converter_opens_it(
    bundle: Path, copy: Artifact
) -> None:
    source = Artifact.at(bundle.with_name("model.fp32.onnx"))
    onnx.save(onnx.load(source.path), source.path, save_as_external_data=True, location="side.bin", size_threshold=0)
    write_card(source.path, source.card.changed(sha256=source.sha256()))
    with pytest.raises(ArtifactError, match=r"model\.fp32\.onnx keeps weights in other files"):
        tiny.pipeline_of(bundle).build(copy, "fp16")
    assert not copy.path.exists()


@pytest.mark.parametrize("name", ["copy.onnx", "copy.onnx.json", "copy.onnx.layers.json"])
def test_what_the_user_stores_under_the_name_during_the_conversion_stays(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def store(job: Job) -> Iterator[CardFields]:
        bundle.with_name(name).write_text("five years")
        yield from ()

    use(meanwhile(store), monkeypatch)
    with pytest.raises(ArtifactError, match=r"did not make it|is not a valid card|cannot be read"):
        tiny.pipeline_of(bundle).build(copy, "fp16")
    assert bundle.with_name(name).read_text() == "five years"


def test_leftovers_of_a_killed_conversion_are_removed_although_the_artifact_is_up_to_date(
    bundle: Path, copy: Artifact
) -> None:
    tiny.pipeline_of(bundle).build(copy, "fp16")
    left = bundle.with_name(f".copy.onnx.abc{SCRATCH_SUFFIX}") / FILES
    left.mkdir(parents=True)
    tiny.pipeline_of(bundle).build(Artifact.at(copy.path), "fp16")
    assert not left.parent.exists()


def test_temporary_files_of_libraries_are_removed(
    bundle: Path, copy: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    made: list[Path] = []

    def leaving(job: Job) -> Iterator[CardFields]:
        made.append(Path(tempfile.mkdtemp()))
        yield from copying(job)

    use(leaving, monkeypatch)
    tiny.pipeline_of(bundle).build(copy, "fp16")
    assert made[0].is_relative_to(tmp_path / "temporary")
    assert not list((tmp_path / "temporary").iterdir())
