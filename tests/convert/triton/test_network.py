from pathlib import Path

import pytest

from convert.triton.network import network_of
from temper.artifact import Artifact
from temper.card import BatchRange, Card, FileReference, PlanInfo, Provenance, write_card
from temper.errors import ArtifactError, UsageError
from tests import tiny

BATCH = BatchRange(1, 8, 32)


def plan_of(bundle: Path, options: tuple[str, ...] = (), **fields: object) -> Artifact:
    """A card of a plan of the tiny classifier, built with these options; the file itself is not opened."""
    onnx = Artifact.at(bundle).sibling("fp32", ".onnx")
    plan = bundle.with_name("model.fp32.plan")
    plan.write_bytes(b"plan")
    source = FileReference(onnx.name, onnx.card.sha256)
    provenance = Provenance(source=source, settings={"builder_options": list(options)})
    card: Card = onnx.card.changed(sha256=Artifact.at(plan).sha256(), provenance=provenance, **fields)
    write_card(plan, card)
    return Artifact.at(plan)


def test_a_plan_has_the_tensors_of_its_onnx_file_and_the_batches_of_its_card(bundle: Path) -> None:
    network = network_of(plan_of(bundle, batch=BatchRange(1, 4, 16)), BATCH)
    assert (network.images.name, network.images.dims) == ("images", (tiny.SIZE, tiny.SIZE, 3))
    assert (network.probabilities.name, network.probabilities.dims) == ("probabilities", (2,))
    assert network.batch.max == 16 and network.needs_gpu


@pytest.mark.parametrize(
    ("options", "profiles"),
    [
        ((), 1),
        (("level=1", "profiles=1:1:1+8:8:8"), 3),
        # As in the build, the last one counts.
        (("profiles=1:1:1", "profiles=8:8:8"), 2),
    ],
)
def test_a_plan_has_as_many_profiles_as_it_was_built_with(
    bundle: Path, options: tuple[str, ...], profiles: int
) -> None:
    assert network_of(plan_of(bundle, options), BATCH).profiles == profiles


def test_a_plan_that_triton_cannot_run_is_refused(bundle: Path) -> None:
    with pytest.raises(ArtifactError, match="TensorRT-RTX"):
        network_of(plan_of(bundle, plan=PlanInfo(module="tensorrt_rtx", version="1.2")), BATCH)
    with pytest.raises(ArtifactError, match="--batch 1:4:8"):
        network_of(plan_of(bundle, batch=BatchRange(2, 4, 8)), BATCH)


def test_a_plan_without_its_onnx_file_is_refused(bundle: Path) -> None:
    plan = plan_of(bundle)
    bundle.with_name("model.fp32.onnx").unlink()
    with pytest.raises(ArtifactError, match="not beside it"):
        network_of(plan, BATCH)


def test_a_format_without_a_backend_is_refused(bundle: Path) -> None:
    with pytest.raises(UsageError, match=r"Triton does not run model\.xml"):
        network_of(Artifact.at(bundle.with_name("model.xml")), BATCH)
