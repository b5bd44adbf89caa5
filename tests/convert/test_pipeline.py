import dataclasses
from pathlib import Path

import onnx
import pytest

from convert.pipeline import ConversionRejected, Facts, Pipeline, Step, agreement_of
from convert.settings import ConversionSettings
from convert.targets import make
from convert.verification.accuracy_gate import Limits
from temper.card import card_path, read_card, write_card
from temper.errors import MissingRuntime
from temper.storage.atomic import sha256_of
from temper.system.gpu import Gpu
from tests import tiny


def copying(source: Path, target: Path) -> Facts:
    target.write_bytes(source.read_bytes())
    return {}


def inverting(source: Path, target: Path) -> Facts:
    """A conversion gone wrong: it answers the other label."""
    model = onnx.load(source)
    for weights in model.graph.initializer:
        if weights.name.startswith("head"):
            weights.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(weights), weights.name))
    onnx.save(model, target)
    return {}


def step(bundle: Path, make: object = copying) -> Step:
    recipe = {"to": "onnx", "n": 1}
    return Step(bundle.with_name("model.fp32.onnx"), bundle.with_name("copy.onnx"), "fp32", recipe, make)  # type: ignore[arg-type]


def test_a_good_conversion_gets_a_card_that_leads_back_to_keras(bundle: Path) -> None:
    card = tiny.pipeline_of(bundle).run(step(bundle))
    assert card == read_card(bundle.with_name("copy.onnx"))
    assert card.made_from["sha256"] == read_card(bundle.with_name("model.fp32.onnx")).sha256
    assert card.made_from["keras_sha256"] == read_card(bundle).sha256
    assert card.confidence_threshold == read_card(bundle).confidence_threshold == 0.6
    found = agreement_of(card)
    assert found is not None
    assert (found.pictures, found.agreement) == (16, 1.0)
    assert found.max_difference < 1e-5


def test_what_is_up_to_date_is_not_made_again(bundle: Path) -> None:
    said: list[str] = []
    pipeline = tiny.pipeline_of(bundle, said=said)
    pipeline.run(step(bundle))
    pipeline.run(step(bundle, inverting))
    assert said[-1] == "copy.onnx: up to date"


@pytest.mark.parametrize("change", ["force", "recipe", "source", "damage", "limits"])
def test_anything_that_matters_makes_it_again(bundle: Path, change: str) -> None:
    tiny.pipeline_of(bundle).run(step(bundle))
    pipeline, again = tiny.pipeline_of(bundle, force=change == "force"), step(bundle)
    if change == "recipe":
        again = dataclasses.replace(again, recipe={"to": "onnx", "n": 2})
    if change == "source":
        fp32 = bundle.with_name("model.fp32.onnx")
        card_path(fp32).write_text(card_path(fp32).read_text().replace(read_card(fp32).sha256, "0" * 64))
    if change == "damage":
        again.target.write_bytes(b"")
    if change == "limits":
        pipeline = tiny.pipeline_of(bundle, Limits(min_agreement=101))
        again.target.with_name("copy.onnx.json").write_text(
            card_path(again.target).read_text().replace('"flips": []', '"flips": [%s, %s]' % ((FLIP,) * 2))
        )
    assert not pipeline.is_current(again)


@pytest.mark.parametrize("problem", ["", "built for another GPU"])
def test_a_plan_from_elsewhere_is_made_again_where_there_is_a_gpu(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    plan = dataclasses.replace(step(bundle), target=bundle.with_name("copy.plan"))
    copying(plan.source, plan.target)
    source = read_card(plan.source)
    made_from = {"file": plan.source.name, "sha256": source.sha256}
    sha256 = sha256_of(plan.target)
    write_card(plan.target, dataclasses.replace(source, made_from=made_from, recipe=plan.recipe, sha256=sha256))
    assert tiny.pipeline_of(bundle).is_current(plan)
    monkeypatch.setattr("convert.pipeline.find_gpu", lambda: Gpu("NVIDIA L4", "8.9"))
    monkeypatch.setattr("convert.pipeline.check_compatibility", lambda *_: problem)
    assert tiny.pipeline_of(bundle).is_current(plan) is not bool(problem)


def test_force_is_for_the_named_target_alone(bundle: Path) -> None:
    said: list[str] = []
    make(
        dataclasses.replace(tiny.pipeline_of(bundle, said=said), force=True),
        ConversionSettings("fp16"),
        fp16 := bundle.with_name("model.fp16.onnx"),
    )
    assert said[0] == "model.fp32.onnx: up to date"
    making = [line for line in said if "making" in line]
    make(dataclasses.replace(tiny.pipeline_of(bundle, said=said), force=True), ConversionSettings("fp16"), fp16)
    assert [line for line in said if "making" in line] == 2 * making


FLIP = '{"file": "a", "label": "red", "keras": "red", "answer": "blue"}'


def test_a_bad_conversion_is_kept_aside_where_nothing_loads_it(bundle: Path) -> None:
    with pytest.raises(ConversionRejected, match=r"copy\.onnx is refused: top-1 falls by"):
        tiny.pipeline_of(bundle).run(step(bundle, inverting))
    assert not bundle.with_name("copy.onnx").exists()
    assert not bundle.with_name("copy.onnx.json").exists()
    assert read_card(bundle.with_name("copy.onnx.rejected")).agreement["agreement"] == 0


def test_a_later_success_clears_the_refused_file(bundle: Path) -> None:
    with pytest.raises(ConversionRejected):
        tiny.pipeline_of(bundle).run(step(bundle, inverting))
    tiny.pipeline_of(bundle).run(step(bundle))
    assert not list(bundle.parent.glob("*.rejected*"))


def test_a_failing_builder_leaves_no_card(bundle: Path) -> None:
    def failing(source: Path, target: Path) -> Facts:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny.pipeline_of(bundle).run(step(bundle, failing))
    assert not list(bundle.parent.glob("copy*"))


def test_what_cannot_run_here_inherits_its_sources_agreement_and_says_why(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object) -> object:
        raise MissingRuntime("there is no GPU here\nsecond line")

    monkeypatch.setattr("convert.pipeline.load_runner", absent)
    card = tiny.pipeline_of(bundle).run(step(bundle))
    assert card.agreement["not_run"] == "there is no GPU here"
    assert card.agreement["pictures"] == 16
    assert agreement_of(card) is None


def test_the_pipeline_needs_no_keras_where_its_answers_are_kept(bundle: Path) -> None:
    assert bundle.read_bytes() == b"stand-in"
    assert isinstance(tiny.pipeline_of(bundle), Pipeline)
    tiny.pipeline_of(bundle).run(step(bundle))
