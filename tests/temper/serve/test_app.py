import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx as onnx_package
import onnxruntime as ort
import pytest
import tritonclient.http as triton
from PIL import Image
from tritonclient.utils import InferenceServerException

from convert import run as convert
from temper import __version__
from temper.images import load_image
from tests import tiny
from tests.convert.adopt.nets import onnx_net
from tests.temper.serve.serving import SMALL, Running, noise, predicted, serving, values

INFER, CLASSIFY = "/v2/models/model/infer", "/v2/models/model/classify"


@pytest.fixture
def client(running: Running) -> triton.InferenceServerClient:
    return triton.InferenceServerClient(running.address)


def png(folder: Path) -> bytes:
    return (folder / "images" / "red" / "red000.png").read_bytes()


def test_the_official_client_reads_health_and_metadata(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("model") and client.is_model_ready("model", "1")
    assert client.get_server_metadata()["version"] == __version__
    metadata = client.get_model_metadata("model")
    size = tiny.SIZE
    assert metadata["inputs"] == [{"name": "images", "datatype": "UINT8", "shape": [-1, size, size, 3]}]
    assert metadata["outputs"] == [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]}]
    assert client.get_model_config("model")["max_batch_size"] == 4
    assert not client.is_model_ready("other")


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_the_official_client_gets_what_the_runner_predicts(
    client: triton.InferenceServerClient, onnx: Path, binary_in: bool, binary_out: bool, compression: str | None
) -> None:
    images = noise(11)
    tensor = triton.InferInput("images", list(images.shape), "UINT8")
    tensor.set_data_from_numpy(images, binary_data=binary_in)
    result = client.infer(
        "model",
        [tensor],
        outputs=[triton.InferRequestedOutput("probabilities", binary_data=binary_out)],
        request_id="7",
        request_compression_algorithm=compression,
        response_compression_algorithm=compression,
    )
    assert result.get_response()["id"] == "7"
    np.testing.assert_allclose(result.as_numpy("probabilities"), predicted(onnx, images), atol=1e-5)


def test_the_official_client_gets_the_top_classes(client: triton.InferenceServerClient, onnx: Path) -> None:
    images = noise(2)
    tensor = triton.InferInput("images", list(images.shape), "UINT8").set_data_from_numpy(images)
    output = triton.InferRequestedOutput("probabilities", class_count=1)
    classes = client.infer("model", [tensor], outputs=[output]).as_numpy("probabilities")
    best = predicted(onnx, images).argmax(axis=1)
    assert [each[0].decode().split(":")[1:] for each in classes] == [[str(i), tiny.LABELS[i]] for i in best]


def test_the_official_client_shows_the_sentence_of_an_error(client: triton.InferenceServerClient) -> None:
    tensor = triton.InferInput("images", [1, 8, 8, 3], "UINT8").set_data_from_numpy(noise(1)[:, :8, :8])
    with pytest.raises(
        InferenceServerException, match=r"\[400\] the input is UINT8 \[1, 8, 8, 3\]; expected one input"
    ):
        client.infer("model", [tensor])


def test_each_of_many_concurrent_requests_gets_its_own_prediction(running: Running, onnx: Path) -> None:
    images = [noise(1 + seed % 3, seed) for seed in range(60)]
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(running.infer, images))
    for image, reply in zip(images, replies, strict=True):
        np.testing.assert_allclose(values(reply), predicted(onnx, image), atol=1e-5)


def test_classify_gives_labels_for_an_image_file(running: Running, onnx: Path, tmp_path: Path) -> None:
    content = png(onnx.parent)
    reply = running.post(f"{CLASSIFY}?top_k=1", content)
    (tmp_path / "a.png").write_bytes(content)
    probabilities = predicted(onnx, load_image(tmp_path / "a.png", tiny.SIZE)[None])[0]
    assert reply.status == 200
    assert reply.json["model_name"] == "model"
    (best,) = reply.json["predictions"]
    assert best["label"] == tiny.LABELS[probabilities.argmax()]
    assert best["probability"] == pytest.approx(probabilities.max(), abs=1e-5)
    assert reply.json["unknown"] is bool(probabilities.max() < 0.6)
    assert reply.json["milliseconds"].keys() == {"queue", "compute", "total"}
    assert len(running.post(CLASSIFY, content).json["predictions"]) == 2


def test_what_is_converted_from_an_adopted_model_is_served_with_the_labels_of_the_original(
    made_bundle: Path, tmp_path: Path
) -> None:
    original, images = onnx_net(made_bundle), made_bundle.parent / "images"
    onnx_package.save(original, tmp_path / "net.onnx")
    adopted, converted = tmp_path / "out" / "net.fp32.onnx", tmp_path / "out" / "net.fp32.xml"
    for words in (["adopt", tmp_path / "net.onnx", "--data", images, "--out", adopted], [adopted, converted]):
        assert convert.run(convert.parse(list(map(str, words)))) == 0
    files = [images / name for name in ("red/red000.png", "red/red001.png", "blue/blue000.png", "blue/blue001.png")]
    # Its preprocessing by hand: BGR minus the means of ImageNet, channels first.
    pixels = np.stack([load_image(file, tiny.SIZE)[..., ::-1] for file in files]) - np.array([103.939, 116.779, 123.68])
    session = ort.InferenceSession(original.SerializeToString())
    (logits,) = session.run(None, {"planes": pixels.transpose(0, 3, 1, 2).astype(np.float32)})
    expected = [tiny.LABELS[i] for i in logits.argmax(axis=1)]
    with serving(converted) as server:
        replies = [server.post(CLASSIFY, file.read_bytes()).json for file in files]
    assert [each["predictions"][0]["label"] for each in replies] == expected
    assert set(expected) == set(tiny.LABELS)


@pytest.mark.parametrize(
    ("body", "query", "message"),
    [
        (b"", "", "the body is empty; expected the bytes of an image file"),
        (b"no image", "", "what was sent is not an image that can be read. Expected JPEG"),
        (b"x", "?top_k=0", "top_k is '0'; expected a number of at least 1"),
    ],
)
def test_classify_refuses_what_is_no_image(running: Running, body: bytes, query: str, message: str) -> None:
    reply = running.post(CLASSIFY + query, body)
    assert reply.status == 400
    assert reply.json["error"].startswith(message)


def test_an_image_that_is_damaged_is_refused(running: Running) -> None:
    content = io.BytesIO()
    Image.fromarray(noise(1)[0]).save(content, "PNG")
    assert running.post(CLASSIFY, content.getvalue()[:200]).status == 400


def test_the_card_and_the_models_are_described(running: Running, onnx: Path) -> None:
    card = running.get("/v2/models/model/card").json
    assert card["artifact"] == onnx.name
    assert card["labels"] == list(tiny.LABELS)
    assert card["runtime"].startswith("ONNX Runtime ")
    models = {"models": [{"name": "model", "ready": True}], "max_request_bytes": SMALL.body_bytes}
    assert running.get("/v2/models").json == models


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/model/versions/2", 404),
        ("GET", INFER, 405),
        ("DELETE", "/v2", 405),
        ("GET", "/page/../app.py", 404),
    ],
)
def test_other_paths_and_methods_get_an_error_in_json(running: Running, method: str, path: str, status: int) -> None:
    reply = running.request(method, path)
    assert reply.status == status
    assert set(reply.json) == {"error"}


def test_versions_have_the_same_routes(running: Running) -> None:
    assert running.get("/v2/models/model/versions/1").json["name"] == "model"
    body = json.dumps({"inputs": []}).encode()
    assert running.post("/v2/models/model/versions/1/infer", body).status == 400
