"""Files for Kubernetes: its own schemas accept them, their commands parse, and probes ask for paths of the servers."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from temper.cli import main
from temper.serve.settings import Settings
from tests.source import ROOT

DEPLOY = ROOT / "deploy"
KUBERNETES = "1.37"
DOCUMENTS: dict[str, list[dict[str, Any]]] = {
    name: list(yaml.safe_load_all((DEPLOY / f"{name}.yaml").read_text(encoding="utf-8")))
    for name in ("kubernetes", "kserve", "triton")
}
RESOURCES = [each for name in ("kubernetes", "triton") for each in DOCUMENTS[name]]
# Fields of KServe's predictor that are no fields of a pod (serving.kserve.io/v1beta1, ComponentExtensionSpec).
OF_KSERVE = {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget", "timeout"}


def pod_specs() -> dict[str, dict[str, Any]]:
    specs = {name: DOCUMENTS[name][0]["spec"]["template"]["spec"] for name in ("kubernetes", "triton")}
    predictor = DOCUMENTS["kserve"][0]["spec"]["predictor"]
    return {**specs, "kserve": {key: value for key, value in predictor.items() if key not in OF_KSERVE}}


PODS = pod_specs()
each_pod = pytest.mark.parametrize("name", sorted(PODS))


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_the_schema_of_kubernetes_accepts_a_resource(resource: dict[str, Any]) -> None:
    kubernetes_validate.validate(resource, KUBERNETES, strict=True)


@each_pod
def test_the_schema_of_kubernetes_accepts_a_pod(name: str) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": PODS[name]}
    kubernetes_validate.validate(pod, KUBERNETES, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_noticed() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {**PODS["kserve"], "replica": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, KUBERNETES, strict=True)


@each_pod
def test_a_pod_has_probes_limits_and_no_rights_that_it_does_not_need(name: str) -> None:
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    for container in pod["containers"]:
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert not container["securityContext"]["allowPrivilegeEscalation"]
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
        assert container["livenessProbe"]["httpGet"]["path"] == "/v2/health/live"
        assert container["readinessProbe"]["httpGet"]["path"] == "/v2/health/ready"


@each_pod
def test_mounted_volumes_and_ports_of_probes_are_defined(name: str) -> None:
    volumes = {volume["name"] for volume in PODS[name].get("volumes", [])}
    for container in PODS[name]["containers"]:
        assert {mount["name"] for mount in container.get("volumeMounts", [])} == volumes
        ports = {port["name"] for port in container["ports"]} | {port["containerPort"] for port in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container.get(probe, {}).get("httpGet", {}).get("port") in {*ports, None}


@pytest.mark.parametrize("name", ["kubernetes", "kserve"])
def test_the_command_of_the_server_parses_and_listens_where_the_pod_says(name: str) -> None:
    (container,) = PODS[name]["containers"]
    options = main.parse(["serve", "--host", "0.0.0.0", *container["args"]])
    assert options.port == container["ports"][0]["containerPort"]
    paths = [options.token_file] if options.token_file else []
    mounts = [Path(mount["mountPath"]) for mount in container.get("volumeMounts", [])]
    assert all(path.parent in mounts for path in paths)


@pytest.mark.parametrize("name", ["kubernetes", "triton"])
def test_a_service_selects_its_pods_and_names_their_ports(name: str) -> None:
    deployment = DOCUMENTS[name][0]
    service = next(each for each in DOCUMENTS[name] if each["kind"] == "Service")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    ports = {port["name"] for port in PODS[name]["containers"][0]["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_a_pod_has_time_to_answer_what_it_accepted() -> None:
    pod = PODS["kubernetes"]
    sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > sleep + Settings().drain_seconds
