import os
from pathlib import Path

import numpy as np
import pytest

from convert.triton.write import write_models
from experiments.triton.server import build_environment, copy_for_python, running_triton
from temper.artifact import Artifact
from temper.card import BatchRange
from temper.images import load_image
from temper.runners.load import open_runner

ENVIRONMENT = "TEMPER_TRITON_ENVIRONMENT"


@pytest.fixture
def repository(bundle: Path, tmp_path: Path) -> Path:
    artifact = Artifact.at(bundle).sibling("fp32", ".onnx")
    write_models(artifact, tmp_path / "published", batch=BatchRange(1, 8, 32), with_jpeg=True)
    copy_for_python(tmp_path / "published", tmp_path / "models")
    return tmp_path / "models"


def test_the_copy_differs_in_two_lines_only(repository: Path, tmp_path: Path) -> None:
    lines = [
        set((each / "model" / "config.pbtxt").read_text().splitlines()) for each in (tmp_path / "published", repository)
    ]
    assert lines[0] - lines[1] == {'platform: "onnxruntime_onnx"', 'default_model_filename: "model.onnx"'}
    assert lines[1] - lines[0] == {'backend: "python"'}


@pytest.mark.slow
@pytest.mark.programs
def test_a_real_triton_loads_the_repository_and_predicts_as_the_runner(bundle: Path, repository: Path) -> None:
    from tritonclient import grpc, http

    if not os.environ.get(ENVIRONMENT):
        pytest.skip(f"{ENVIRONMENT} names no folder for Triton's environment; see experiments/triton/server.py --help")
    paths = sorted((bundle.parent / "images").rglob("*.png"))[:5]
    with open_runner(Artifact.at(bundle).sibling("fp32", ".onnx")) as runner:
        images = np.stack([load_image(path, runner.card.size) for path in paths])
        expected = runner.predict(images)
    files = np.array([path.read_bytes() for path in paths], object)[:, None]
    with running_triton(build_environment(Path(os.environ[ENVIRONMENT])), repository) as server:
        assert server.table().count("READY") == 3
        for library, address in ((http, server.http), (grpc, server.grpc)):
            client = library.InferenceServerClient(address)
            for name, tensor, values, kind in (
                ("model", "images", images, "UINT8"), ("model_jpeg", "file", files, "BYTES")
            ):  # fmt: skip
                given = library.InferInput(tensor, list(values.shape), kind)
                given.set_data_from_numpy(values)
                result = client.infer(name, [given]).as_numpy("probabilities")
                np.testing.assert_allclose(result, expected, atol=1e-5)
