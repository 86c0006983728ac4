"""The kustomize overlays: rendered, valid against schemas, and at one with the rest of the house."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from deploy.prometheus_rule import prometheus_rule
from textsieve.worker.settings import ENV_PREFIX, Settings

ROOT = Path(__file__).parents[3]
OVERLAYS = ROOT / "deploy" / "overlays"
KUBERNETES = "1.37"
WORKERS = ("cpu", "gpu", "keda")
CUSTOM = {"ScaledObject", "PodMonitor", "PrometheusRule"}  # of operators: Kubernetes itself does not know them

each_overlay = pytest.mark.parametrize("overlay", [*WORKERS, "monitoring"])
each_workers_overlay = pytest.mark.parametrize("overlay", WORKERS)


@cache
def rendered(overlay: str) -> tuple[dict[str, Any], ...]:
    kubectl = Path(sys.executable).with_name("kubectl")
    run = subprocess.run([kubectl, "kustomize", OVERLAYS / overlay], capture_output=True, check=False)
    assert 0 == run.returncode, run.stderr.decode()
    return tuple(yaml.safe_load_all(run.stdout))


def only(overlay: str, kind: str) -> dict[str, Any]:
    (found,) = [resource for resource in rendered(overlay) if resource["kind"] == kind]
    return found


def container(overlay: str) -> dict[str, Any]:
    (found,) = only(overlay, "Deployment")["spec"]["template"]["spec"]["containers"]
    return found


STRING, STRINGS = {"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


def _list(items: Any) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": items}


RULE = {
    **_object(expr=STRING),
    "properties": {
        "record": STRING,
        "alert": STRING,
        "expr": STRING,
        "for": STRING,
        "labels": STRINGS,
        "annotations": STRINGS,
    },
}
OPERATOR = {  # the part of the Prometheus operator's definitions (monitoring.coreos.com/v1) that we use
    "PrometheusRule": _object(groups=_list(_object(name=STRING, rules=_list(RULE)))),
    "PodMonitor": _object(
        jobLabel=STRING,
        selector=_object(matchLabels=STRINGS),
        podMetricsEndpoints=_list(
            _object(
                port=STRING,
                path=STRING,
                interval={"type": "string", "pattern": r"^\d+s$"},
                relabelings=_list(_object(sourceLabels=_list(STRING), targetLabel=STRING)),
            )
        ),
    ),
}


@pytest.mark.parametrize("kind", OPERATOR)
def test_what_the_prometheus_operator_reads_has_its_shape(kind):
    found = only("monitoring", kind)

    assert "monitoring.coreos.com/v1" == found["apiVersion"]
    jsonschema.validate(found["spec"], OPERATOR[kind])


@each_workers_overlay
def test_workers_spread_over_machines_and_may_scale_no_further_than_the_compose_topic(overlay):
    pod = only(overlay, "Deployment")["spec"]["template"]["spec"]
    (spread,) = pod["topologySpreadConstraints"]
    labels = only(overlay, "Deployment")["spec"]["template"]["metadata"]["labels"]
    partitions = re.findall(r"--partitions (\d+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8"))

    assert "kubernetes.io/hostname" == spread["topologyKey"]
    assert spread["labelSelector"]["matchLabels"].items() <= labels.items()
    assert {str(only("keda", "ScaledObject")["spec"]["maxReplicaCount"])} == set(partitions)


@each_overlay
def test_every_resource_is_valid_for_kubernetes(overlay):
    for resource in rendered(overlay):
        if resource["kind"] not in CUSTOM:
            kubernetes_validate.validate(resource, KUBERNETES, strict=True)


def test_the_check_refuses_a_misspelt_key():
    wrong = json.loads(json.dumps(only("cpu", "Deployment")))
    wrong["spec"]["template"]["spec"]["containers"][0]["livnessProbe"] = {}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


def _closed(schema: Any) -> Any:
    """The schema with every object closed to keys it does not name."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def _scaled_object_schema() -> Any:
    definition = yaml.safe_load((ROOT / "tests" / "schemas" / "keda.sh_scaledobjects.yaml").read_text(encoding="utf-8"))
    schema = _closed(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    return schema


def test_the_scaled_object_fits_kedas_schema():
    jsonschema.validate(only("keda", "ScaledObject"), _scaled_object_schema())


def test_kedas_schema_refuses_a_misspelt_key():
    wrong = only("keda", "ScaledObject")
    wrong = {**wrong, "spec": {**wrong["spec"], "maxReplicas": 6}}

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, _scaled_object_schema())


def test_scaling_avoids_the_known_traps():
    spec = only("keda", "ScaledObject")["spec"]
    (trigger,) = spec["triggers"]
    kafka = Settings().kafka

    assert spec["minReplicaCount"] >= 1
    assert "replicas" not in only("keda", "Deployment")["spec"]
    assert only("keda", "Deployment")["metadata"]["name"] == spec["scaleTargetRef"]["name"]
    assert "true" == trigger["metadata"]["excludePersistentLag"]
    assert "true" == trigger["metadata"]["ensureEvenDistributionOfPartitions"]
    assert kafka.auto_offset_reset == trigger["metadata"]["offsetResetPolicy"]
    assert kafka.group_id == trigger["metadata"]["consumerGroup"]
    assert trigger["metadata"]["topic"] in kafka.input_topics
    down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    assert down["stabilizationWindowSeconds"] >= 300
    assert [("Pods", 1)] == [(policy["type"], policy["value"]) for policy in down["policies"]]
    assert spec["fallback"]["replicas"] >= 1


@each_workers_overlay
def test_a_worker_has_no_rights_it_does_not_need(overlay):
    pod = only(overlay, "Deployment")["spec"]["template"]["spec"]
    security = container(overlay)["securityContext"]

    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert security["readOnlyRootFilesystem"]
    assert not security["allowPrivilegeEscalation"]
    assert ["ALL"] == security["capabilities"]["drop"]


@each_workers_overlay
def test_a_worker_is_probed_where_it_answers(overlay):
    probed = {name: probe["httpGet"]["path"] for name, probe in container(overlay).items() if name.endswith("Probe")}
    answers = (ROOT / "worker" / "connectors" / "http.py").read_text(encoding="utf-8")

    assert {"startupProbe": "/startupz", "livenessProbe": "/livez", "readinessProbe": "/readyz"} == probed
    assert all(f'case "{path}"' in answers for path in probed.values())


@each_workers_overlay
def test_a_worker_is_given_time_to_stop_and_never_doubles_in_an_upgrade(overlay):
    spec = only(overlay, "Deployment")["spec"]

    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > Settings().delivery.shutdown_seconds
    assert 0 == spec["strategy"]["rollingUpdate"]["maxSurge"]
    assert 1 == only(overlay, "PodDisruptionBudget")["spec"]["maxUnavailable"]


@each_workers_overlay
def test_selectors_find_the_workers(overlay):
    labels = only(overlay, "Deployment")["spec"]["template"]["metadata"]["labels"]
    wanted = [
        only(overlay, "Deployment")["spec"]["selector"]["matchLabels"],
        only(overlay, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        only("monitoring", "PodMonitor")["spec"]["selector"]["matchLabels"],
    ]

    assert all(selector and selector.items() <= labels.items() for selector in wanted)


@each_workers_overlay
def test_a_worker_asks_for_what_it_needs(overlay):
    resources = container(overlay)["resources"]

    assert {"cpu", "memory"} <= set(resources["requests"])
    assert "memory" in resources["limits"]
    assert "cpu" not in resources["limits"]


FOOTPRINT = json.loads((ROOT / "benchmarks" / "results" / "footprint.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("overlay", ["cpu", "keda"])
def test_a_worker_asks_for_the_memory_that_was_measured(overlay):
    resources = container(overlay)["resources"]
    pending_mib = Settings().clusters.max_pending_bytes / 2**20
    asked, most = (int(resources[kind]["memory"].removesuffix("Mi")) for kind in ("requests", "limits"))

    assert FOOTPRINT["rss_peak_mib"] + pending_mib <= asked
    assert asked < most


def test_workers_are_added_by_the_rate_that_was_measured():
    (trigger,) = only("keda", "ScaledObject")["spec"]["triggers"]

    assert pytest.approx(30, rel=0.1) == int(trigger["metadata"]["lagThreshold"]) / FOOTPRINT["messages_per_cpu_second"]


def _variables(overlay: str) -> Iterator[tuple[str, str]]:
    yield from only(overlay, "ConfigMap")["data"].items()
    yield from ((entry["name"], entry["value"]) for entry in container(overlay)["env"])


@each_workers_overlay
def test_every_setting_is_valid(overlay):
    tree: dict[str, dict[str, str]] = {}
    for variable, value in _variables(overlay):
        section, _, option = variable.removeprefix(ENV_PREFIX).lower().partition("__")
        tree.setdefault(section, {})[option] = value

    settings = Settings(**tree)

    assert settings.http.port == container(overlay)["ports"][0]["containerPort"]


@each_workers_overlay
def test_the_image_is_pinned_to_the_version_of_the_package(overlay):
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)

    assert version
    assert re.fullmatch(rf"textsieve-worker:{re.escape(version[1])}-(cpu|gpu)", container(overlay)["image"])


def test_the_operators_rules_are_ours():
    committed = (OVERLAYS / "monitoring" / "prometheus-rule.yaml").read_text(encoding="utf-8")

    assert prometheus_rule() == committed, "make monitoring-files"


def test_the_dashboards_are_ours_and_grafanas_sidecar_finds_them():
    folder = ROOT / "monitoring" / "grafana" / "dashboards"
    shipped = only("monitoring", "ConfigMap")

    assert {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")} == shipped["data"]
    assert "1" == shipped["metadata"]["labels"]["grafana_dashboard"]


def test_the_job_is_the_one_that_the_alerts_name():
    assert "app.kubernetes.io/name" == only("monitoring", "PodMonitor")["spec"]["jobLabel"]
    assert "textsieve" == only("cpu", "Deployment")["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]
    assert 'up{job="textsieve"}' in prometheus_rule()
