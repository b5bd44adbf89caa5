import shutil
import subprocess
from pathlib import Path

import pytest

from convert.settings import CONSTANTS, RANGE_IMAGES, SAFETY_FACTOR
from temper import __version__
from temper.artifact import Artifact
from temper.card import FileReference, Provenance, read_card, write_card
from temper.errors import ArtifactError, DataError, IncompatibleMachine, MissingRuntime
from temper.formats import FORMATS
from temper.storage import digest
from temper.storage.digest import sha256_of
from temper.system.gpu import Gpu
from temper.trust.policy import VARIABLE, origin_of
from tests import tiny
from tests.convert.converters import contents, inverting, use


def test_a_published_card_leads_back_to_the_model(bundle: Path, copy: Artifact) -> None:
    card = tiny.pipeline_of(bundle).build(copy, "fp16").card
    assert card == read_card(copy.path)
    fp32 = read_card(bundle.with_name("model.fp32.onnx"))
    assert card.provenance.source == FileReference("model.fp32.onnx", fp32.sha256)
    assert card.provenance.model_sha256 == read_card(bundle).sha256
    assert card.confidence_threshold == read_card(bundle).confidence_threshold == 0.6
    assert card.measured_agreement is not None
    assert (card.measured_agreement.images, card.measured_agreement.agreement) == (16, 1.0)
    assert card.measured_agreement.max_difference < 1e-5


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_the_card_names_the_version_and_commit_of_temper_that_made_it(bundle: Path, copy: Artifact) -> None:
    provenance = tiny.pipeline_of(bundle).build(copy, "fp16").card.provenance
    assert provenance.temper == __version__
    head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True)
    assert not head.stdout or provenance.commit.startswith(head.stdout.strip())


def test_what_is_up_to_date_is_not_converted_again(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tiny.pipeline_of(bundle).build(copy, "fp16")
    use(inverting, monkeypatch)
    before = contents(copy)
    tiny.pipeline_of(bundle).build(Artifact.at(copy.path), "fp16")
    assert contents(copy) == before
    assert "copy.onnx: up to date" in caplog.messages


def test_an_up_to_date_conversion_reads_each_file_at_most_once(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Artifact.at(bundle.with_name("model.int8.xml"))
    tiny.pipeline_of(bundle, calibration_method="max").build(target, "int8")
    digest._digest.cache_clear()
    hashed: list[str] = []
    computed = digest._digest.__wrapped__
    memory: dict[object, str] = {}

    def counting(entries: tuple[digest.Entry, ...], with_headers: bool) -> str:
        if (entries, with_headers) not in memory:
            hashed.extend(path for _, path, _ in entries)
            memory[entries, with_headers] = computed(entries, with_headers)
        return memory[entries, with_headers]

    monkeypatch.setattr("temper.storage.digest._digest", counting)
    tiny.pipeline_of(bundle, calibration_method="max").build(Artifact.at(target.path), "int8")
    assert sorted(hashed) == sorted(set(hashed))
    assert {Path(path).suffix for path in hashed} >= {".xml", ".bin", ".onnx", ".keras"}


@pytest.mark.parametrize("change", ["settings", "source", "damage", "limits"])
def test_a_change_that_matters_makes_an_artifact_outdated(bundle: Path, copy: Artifact, change: str) -> None:
    tiny.pipeline_of(bundle).build(copy, "fp16")
    fp32 = Artifact.at(bundle.with_name("model.fp32.onnx"))
    pipeline, card = tiny.pipeline_of(bundle), read_card(copy.path)
    if change == "settings":
        provenance = Provenance(source=card.provenance.source, settings={"seed": 1})
        write_card(copy.path, card.changed(provenance=provenance))
    if change == "source":
        fp32 = Artifact.with_card(fp32.path, fp32.card.changed(sha256="0" * 64))
    if change == "damage":
        copy.path.write_bytes(b"")
    if change == "limits":
        assert card.agreement is not None
        worse = tiny.agreement(agreement=0.5, flips=2)
        write_card(copy.path, card.changed(agreement=worse))
    assert not pipeline.is_current(Artifact.at(copy.path), fp32, "fp16")


@pytest.mark.parametrize("problem", [None, IncompatibleMachine("built for another GPU")])
def test_a_plan_from_elsewhere_is_built_again_where_there_is_a_gpu(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, problem: IncompatibleMachine | None
) -> None:
    fp32 = Artifact.at(bundle.with_name("model.fp32.onnx"))
    plan = Artifact.at(bundle.with_name("copy.plan"))
    shutil.copy(fp32.path, plan.path)
    pipeline = tiny.pipeline_of(bundle)
    settings = pipeline.settings_of(plan, "fp32")
    source = FileReference(fp32.name, fp32.card.sha256)
    provenance = Provenance(source=source, settings=settings)
    write_card(plan.path, fp32.card.changed(sha256=plan.sha256(), provenance=provenance))
    assert pipeline.is_current(Artifact.at(plan.path), fp32, "fp32")
    monkeypatch.setattr("convert.pipeline.find_gpu", lambda: Gpu(name="NVIDIA L4", compute_capability="8.9"))
    monkeypatch.setattr("convert.pipeline.check_compatibility", lambda *_: problem)
    assert pipeline.is_current(Artifact.at(plan.path), fp32, "fp32") is (problem is None)


def test_force_is_for_the_named_target_alone(bundle: Path, copy: Artifact, caplog: pytest.LogCaptureFixture) -> None:
    tiny.pipeline_of(bundle).build(copy, "fp16")
    caplog.clear()
    tiny.pipeline_of(bundle).build(Artifact.at(copy.path), "fp16", force=True)
    assert caplog.messages[0] == "model.fp32.onnx: up to date"
    assert caplog.messages[1] == "copy.onnx: converting model.fp32.onnx"


def test_an_existing_target_that_temper_did_not_make_is_not_replaced_even_by_force(
    bundle: Path, copy: Artifact
) -> None:
    copy.path.write_text("five years")
    with pytest.raises(ArtifactError, match="Move it away, or name another target"):
        tiny.pipeline_of(bundle).build(copy, "fp16", force=True)
    assert copy.path.read_text() == "five years"


def test_a_card_records_settings_and_no_place_in_the_code(bundle: Path, copy: Artifact) -> None:
    fp16 = tiny.pipeline_of(bundle).build(copy, "fp16").card.provenance.settings
    assert fp16 == {"range_images": RANGE_IMAGES, "safety_factor": SAFETY_FACTOR}
    assert read_card(bundle.with_name("model.fp32.onnx")).provenance.settings == {}


def test_another_safety_factor_makes_fp16_outdated(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, fp32 = tiny.pipeline_of(bundle), Artifact.at(bundle.with_name("model.fp32.onnx"))
    pipeline.build(copy, "fp16")
    assert pipeline.is_current(copy, fp32, "fp16")
    constants = {"convert.precision.fp16:convert": {"range_images": RANGE_IMAGES, "safety_factor": 4.0}}
    monkeypatch.setattr("convert.pipeline.CONSTANTS", constants)
    assert not pipeline.is_current(Artifact.at(copy.path), fp32, "fp16")


def test_the_constants_are_those_of_conversions_that_a_format_names() -> None:
    functions = {each.function for listed in FORMATS for each in listed.conversions.values()}
    assert CONSTANTS.keys() <= functions


@pytest.mark.parametrize("name", ["copy.onnx.json", "copy.onnx.layers.json"])
def test_a_folder_of_the_user_under_the_name_of_a_companion_stays(bundle: Path, copy: Artifact, name: str) -> None:
    thesis = bundle.with_name(name) / "thesis.txt"
    thesis.parent.mkdir()
    thesis.write_text("five years")
    with pytest.raises(ArtifactError, match=f"{name} is not a file, so Temper did not make it"):
        tiny.pipeline_of(bundle).build(copy, "fp16", force=True)
    assert thesis.read_text() == "five years"


def test_golden_predictions_that_are_missing_beside_a_target_are_written_with_it(bundle: Path, copy: Artifact) -> None:
    golden = read_card(bundle.with_name("model.fp32.onnx")).golden
    assert golden
    elsewhere = Artifact.at(bundle.parent / "elsewhere" / copy.name)
    tiny.pipeline_of(bundle).build(elsewhere, "fp16")
    assert elsewhere.card.golden == golden
    assert sha256_of(elsewhere.path.with_name(golden.file)) == golden.sha256
    assert [path.name for path in bundle.parent.glob("*.golden.*")] == [golden.file]


def test_a_required_signature_is_that_of_the_keras_model(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    with pytest.raises(ArtifactError, match=r"model\.keras is not signed"):
        tiny.pipeline_of(bundle).build(Artifact.at(bundle.with_name("model.fp16.onnx")), "fp16")


@pytest.mark.parametrize("kind", [MissingRuntime, IncompatibleMachine])
def test_what_cannot_run_here_inherits_its_sources_agreement_and_records_the_reason(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch, kind: type[IncompatibleMachine]
) -> None:
    def absent(artifact: Artifact, **_: object) -> object:
        raise kind(f"{artifact.path} runs on a GPU, and there is none here\nsecond line")

    monkeypatch.setattr("convert.pipeline.load_runner", absent)
    card = tiny.pipeline_of(bundle).build(copy, "fp16").card
    assert card.not_run == "copy.onnx runs on a GPU, and there is none here"
    assert card.agreement is not None
    assert card.agreement.images == 16
    assert card.measured_agreement is None


def test_missing_images_are_reported_before_the_conversion(
    bundle: Path, copy: Artifact, caplog: pytest.LogCaptureFixture
) -> None:
    bundle.with_name("model.split.csv").unlink()
    with pytest.raises(DataError, match=r"model\.split\.csv is missing"):
        tiny.pipeline_of(bundle).build(copy, "fp16")
    assert caplog.messages == ["model.fp32.onnx: up to date"]


def test_a_missing_library_is_an_error_with_what_to_install(
    bundle: Path, copy: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    def importing(job: object) -> object:
        raise ModuleNotFoundError("No module named 'openvino'", name="openvino")

    monkeypatch.setattr("convert.precision.fp16.convert", importing)
    with pytest.raises(MissingRuntime, match="converted by openvino, which is not installed") as caught:
        tiny.pipeline_of(bundle).build(copy, "fp16")
    assert "pip install -r requirements.txt" in caught.value.fix


def test_no_keras_is_needed_where_its_predictions_are_stored(bundle: Path, copy: Artifact) -> None:
    assert bundle.read_bytes() == b"stand-in"
    tiny.pipeline_of(bundle).build(copy, "fp16")


def test_what_is_published_is_known_to_be_made_here(bundle: Path, copy: Artifact) -> None:
    tiny.pipeline_of(bundle).build(copy, "fp16")
    assert str(origin_of(Artifact.at(copy.path))) == "made here"


def test_a_program_from_elsewhere_is_no_source_of_a_conversion_though_it_is_up_to_date(bundle: Path) -> None:
    source, target = Artifact.at(bundle).sibling("fp32", ".savedmodel"), Artifact.at(bundle).sibling("int8", ".tftrt")
    pipeline = tiny.pipeline_of(bundle)
    source.path.mkdir()
    (source.path / "saved_model.pb").write_bytes(b"from elsewhere")
    model = read_card(bundle)
    settings = pipeline.settings_of(source, "fp32")
    provenance = Provenance(source=FileReference(bundle.name, model.sha256), settings=settings)
    write_card(source.path, model.changed(sha256=source.sha256(), provenance=provenance))
    assert pipeline.is_current(Artifact.at(source.path), Artifact.at(bundle), "fp32")
    with pytest.raises(ArtifactError, match=r"model\.fp32\.savedmodel can run any code on this machine"):
        pipeline.build(target, "int8")
