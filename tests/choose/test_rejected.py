"""A conversion that the accuracy gate rejected is tried again once another attempt may end differently."""

import dataclasses

import pytest

from choose import rejected
from choose.options import Network
from choose.prepare import targets_of
from choose.rejected import rejections
from choose.steps import convert_network
from convert.pipeline import Pipeline
from convert.settings import CONSTANTS
from convert.verification.accuracy_gate import GateLimits
from temper.card import read_card, write_card
from tests.choose.networks import draw_dataset, make_network
from tests.choose.test_prepare import pipeline_of
from tests.convert.converters import inverting, use

NAME = "model.fp16.onnx"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """A network whose conversion to fp16 was rejected."""
    folder = tmp_path_factory.mktemp("networks")
    made = make_network(folder / "out", 32, draw_dataset(folder / "images"))
    with pytest.MonkeyPatch.context() as patch:
        use(inverting, patch)
        assert convert_network(pipeline_of(made), targets_of(made.model, ["fp16"]))
    return made


def rejected_names(network: Network, pipeline: Pipeline | None = None) -> list[str]:
    return list(rejections(pipeline or pipeline_of(network), targets_of(network.model, ["fp16"])))


def test_it_stays_rejected_while_nothing_has_changed(network: Network) -> None:
    found = rejections(pipeline_of(network), targets_of(network.model, ["fp16", "fp32"]))
    assert list(found) == [NAME]
    assert found[NAME].startswith("rejected by the accuracy gate: top-1 accuracy drops by")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("package_versions", lambda *names: dict.fromkeys(names, "99.0")),
        ("__version__", "99.0.0"),
        ("commit", lambda: "another"),
    ],
)
def test_other_versions_try_it_again(
    name: str, value: object, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejected, name, value)
    assert rejected_names(network) == []


def test_other_settings_try_it_again(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONSTANTS, "convert.precision.fp16:convert", {"range_images": 1, "safety_factor": 2.0})
    assert rejected_names(network) == []


def test_limits_that_it_does_not_violate_try_it_again(network: Network) -> None:
    limits = GateLimits(max_drop=100, max_class_drop=100, min_agreement=0)
    assert rejected_names(network, dataclasses.replace(pipeline_of(network), limits=limits)) == []


def test_another_source_or_none_tries_it_again(network: Network) -> None:
    source = network.model.sibling("fp32", ".onnx")
    card = read_card(source.path)
    write_card(source.path, card.changed(sha256="0" * 64))
    assert rejected_names(network) == []
    source.card_path.unlink()
    assert rejected_names(network) == []
    write_card(source.path, card)
    assert rejected_names(network) == [NAME]


def test_a_damaged_card_of_it_tries_it_again(network: Network) -> None:
    path = network.folder / f"{NAME}.rejected.json"
    content = path.read_bytes()
    path.write_bytes(b"{")
    assert rejected_names(network) == []
    path.write_bytes(content)
    assert rejected_names(network) == [NAME]
