import pytest

from temper.artifact import Artifact
from tests import tiny


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> list[Artifact]:
    keras = tiny.bundle(tmp_path_factory.mktemp("profile"))
    pipeline = tiny.pipeline_of(keras, calibration_method="max")
    return [pipeline.build(Artifact.at(keras.with_name(f"model.int8{suffix}")), "int8") for suffix in (".onnx", ".xml")]
