import json
import ssl
import subprocess
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import tritonclient.http as triton

from temper.errors import UsageError
from temper.serve.http.tls import check_certificate
from tests.temper.serve.serving import SMALL, noise, predicted, serving


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of localhost that is signed by itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-days", "2", "-keyout", key, "-out", certificate)  # fmt: skip
    return certificate, key


def openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def test_the_official_client_and_others_reach_it_over_tls(onnx: Path, pair: tuple[Path, Path]) -> None:
    certificate, key = pair
    with serving(onnx, certfile=certificate, keyfile=key) as server:
        options = {"ca_certs": str(certificate)}
        client = triton.InferenceServerClient(f"localhost:{server.port}", ssl=True, ssl_options=options)
        images = noise(3)
        tensor = triton.InferInput("images", list(images.shape), "UINT8").set_data_from_numpy(images)
        given = client.infer("model", [tensor]).as_numpy("probabilities")
        np.testing.assert_allclose(given, predicted(onnx, images), atol=1e-5)
        context = ssl.create_default_context(cafile=certificate)
        url = f"https://localhost:{server.port}/v2/health/ready"
        with urllib.request.urlopen(url, context=context, timeout=10) as response:
            assert json.load(response) == {"ready": True}


def test_a_client_that_begins_tls_and_sends_nothing_is_disconnected(onnx: Path, pair: tuple[Path, Path]) -> None:
    with serving(onnx, certfile=pair[0], keyfile=pair[1], limits=SMALL) as server:
        assert server.raw(b"").status == 0


def test_files_that_cannot_be_used_are_named(pair: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = pair
    names = ("other.pem", "similar.pem", "encrypted.pem", "none.pem")
    other, similar, encrypted, none = (tmp_path / name for name in names)
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", similar)
    openssl("genpkey", "-algorithm", "ed25519", "-out", other)
    openssl("pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", encrypted)
    for files, message in {
        (none, key): f"{none} cannot be read .* --ssl-certfile",
        (certificate, none): f"{none} cannot be read .* --ssl-keyfile",
        (certificate, None): "does not contain a certificate and its key",
        (key, key): f"{key} is no certificate",
        (certificate, similar): f"{similar} is not the key of the certificate {certificate}",
        (certificate, other): f"{other} is not the key of the certificate {certificate}",
        (certificate, encrypted): f"the key in {encrypted} is encrypted",
    }.items():
        with pytest.raises(UsageError, match=message):
            check_certificate(*files)
    check_certificate(certificate, key)
