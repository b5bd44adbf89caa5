"""Prometheus and the dashboard ask for metrics that the server has."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from temper.serve.metrics import Metrics
from tests.source import ROOT

DEPLOY = ROOT / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
LABELS = re.compile(r"by \((\w+)\)|\{(\w+)=")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def names() -> set[str]:
    """Names of all samples that `/metrics` can have, and of those of a process on Linux."""
    metrics = Metrics()
    for counted in (metrics.requests, metrics.rejected, metrics.restarts, metrics.swaps):
        counted.labels(*["x"] * len(counted._labelnames))
    for measured in (metrics.batches, metrics.queue_seconds, metrics.compute_seconds):
        measured.labels("x")
    for shown in (metrics.queued, metrics.ready, metrics.info):
        shown.labels(*["x"] * len(shown._labelnames))
    families = text_string_to_metric_families(metrics.text().decode())
    return {sample.name for family in families for sample in family.samples}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_of_the_dashboard_names_metrics_of_the_server(expression: str) -> None:
    used = set(re.findall(r"\b(?:temper|process)_\w+", expression))
    assert used
    assert used <= names()


def test_every_metric_of_the_server_is_on_the_dashboard() -> None:
    shown = " ".join(EXPRESSIONS)
    own = {re.sub("_(bucket|sum|count|created)$", "", name) for name in names() if name.startswith("temper_")}
    assert [name for name in sorted(own) if name not in shown] == []


def test_panels_do_not_overlap_and_use_the_data_source_that_is_provisioned() -> None:
    (source,) = read(DEPLOY / "grafana" / "datasource.yaml")["datasources"]
    cells = []
    for panel in DASHBOARD["panels"]:
        assert panel["datasource"]["uid"] == source["uid"]
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells += [(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_addresses_are_services_of_the_compose_file() -> None:
    services = read(DEPLOY / "compose.yaml")["services"]
    (source,) = read(DEPLOY / "grafana" / "datasource.yaml")["datasources"]
    (job,) = read(DEPLOY / "prometheus.yml")["scrape_configs"]
    (target,) = job["static_configs"][0]["targets"]
    for name, port in (target.split(":"), source["url"].removeprefix("http://").split(":")):
        assert any(published.endswith(f":{port}") for published in services[name]["ports"])
    assert f'job="{job["job_name"]}"' in " ".join(EXPRESSIONS)
