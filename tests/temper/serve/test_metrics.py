from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from temper.artifact import Artifact
from tests.temper.serve.serving import Running, noise, serving


def samples(server: Running, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    families = text_string_to_metric_families(server.get("/metrics").body.decode())
    return {
        tuple(sorted(each.labels.items())): each.value
        for family in families
        for each in family.samples
        if each.name == name
    }


def test_metrics_equal_what_the_client_counted(onnx: Path) -> None:
    with serving(onnx) as server:
        for n in (1, 2, 3):
            assert server.infer(noise(n)).status == 200
        for _ in range(2):
            server.post("/v2/models/model/infer", b"{")
        server.get("/v2/models/made-up")
        requests = samples(server, "temper_requests_total")
        assert requests[("code", "200"), ("model", "model"), ("route", "infer")] == 3
        assert requests[("code", "400"), ("model", "model"), ("route", "infer")] == 2
        assert samples(server, "temper_rejected_total")[("cause", "invalid"), ("model", "model")] == 2
        assert samples(server, "temper_batch_images_sum") == {(("model", "model"),): 6}
        assert samples(server, "temper_compute_seconds_count") == {(("model", "model"),): 3}
        assert samples(server, "temper_model_ready") == {(("model", "model"),): 1}
        ((labels, value),) = samples(server, "temper_model_info").items()
        assert (dict(labels)["sha256"], value) == (Artifact.at(onnx).card.sha256, 1)
        # A name that a client made up is no label.
        assert "made-up" not in server.get("/metrics").body.decode()
