from pathlib import Path

import numpy as np

from temper.artifact import Artifact
from temper.runners.openvino import process_core
from tests import tiny


def test_the_weights_of_fp32_are_not_compressed(bundle: Path) -> None:
    target = Artifact.at(bundle.with_name("model.fp32.xml"))
    artifact = tiny.pipeline_of(bundle).build(target, "fp32")
    assert artifact.files == [bundle.with_name("model.fp32.xml"), bundle.with_name("model.fp32.bin")]
    kinds = {
        each.get_output_element_type(0).get_type_name()
        for each in process_core().read_model(target.path).get_ops()
        if each.get_type_name() == "Constant" and np.prod(each.get_output_shape(0)) > 1
    }
    assert "f32" in kinds
    assert "f16" not in kinds
    assert "openvino" in artifact.card.provenance.versions


def test_any_batch_size_is_accepted(bundle: Path) -> None:
    target = tiny.pipeline_of(bundle).build(Artifact.at(bundle.with_name("model.fp16.xml")), "fp16")
    assert process_core().read_model(target.path).input(0).get_partial_shape()[0].is_dynamic


def test_int8_is_converted_to_uint8_where_nothing_is_negative(bundle: Path) -> None:
    target = tiny.pipeline_of(bundle, calibration_method="max").build(
        Artifact.at(bundle.with_name("model.int8.xml")), "int8"
    )
    kinds = [each.get_type_name() for each in process_core().read_model(target.path).get_ops()]
    # Of three, that one remains whose result is averaged, in floating point.
    assert kinds.count("Relu") == 1
    assert kinds.count("Convolution") == 3
