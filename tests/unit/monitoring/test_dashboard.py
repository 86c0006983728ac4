"""The dashboard: what is committed is what the code says, Grafana can read it, and it shows all there is."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana.overview import overview
from tests.unit.monitoring.queries import metric_names
from worker.metrics.catalogue import CATALOGUE, PREFIX

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "monitoring" / "grafana" / "dashboards" / "overview.json").read_text(encoding="utf-8")
DASHBOARD: dict[str, Any] = json.loads(TEXT)
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def _flat(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [inner for panel in panels for inner in [panel, *_flat(panel.get("panels", []))]]


ALL = _flat(DASHBOARD["panels"])
ROWS = [panel for panel in ALL if panel["type"] == "row"]
PANELS = [panel for panel in ALL if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
each_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
each_expression = pytest.mark.parametrize("expression", EXPRESSIONS)


def test_the_committed_file_is_what_the_code_builds():
    assert overview() == TEXT, "python -m monitoring.grafana.overview > monitoring/grafana/dashboards/overview.json"


def test_nothing_gets_lost_on_a_round_trip_through_the_library():
    again = json.loads(json.dumps(Dashboard.from_json(DASHBOARD), cls=JSONEncoder))

    assert DASHBOARD == again


def test_the_file_fits_grafanas_schema():
    schema = json.loads((ROOT / "tests" / "schemas" / "dashboard.jsonschema.json").read_text(encoding="utf-8"))

    jsonschema.validate(DASHBOARD, schema)


def test_it_has_the_rows_an_operator_goes_through():
    assert ["Summary", "Kafka", "Latency", "Batching and model", "Predictions", "Clusters", "Runtime"] == [
        row["title"] for row in ROWS
    ]


def test_it_is_edited_in_the_code_alone():
    assert not DASHBOARD["editable"]
    assert 42 == DASHBOARD["schemaVersion"]


def test_panels_have_ids_and_titles_of_their_own():
    assert len(ALL) == len({panel["id"] for panel in ALL})
    assert len(PANELS) == len({panel["title"] for panel in PANELS})


def test_no_panel_covers_another_or_leaves_the_grid():
    places = [panel["gridPos"] for panel in ALL]

    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert [] == [(a, b) for a, b in combinations(places, 2) if _overlap(a, b)]


def _overlap(a: dict[str, int], b: dict[str, int]) -> bool:
    beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
    above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
    return not (beside or above)


@each_panel
def test_a_panel_says_what_it_shows_and_in_which_unit(panel):
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert SOURCE == panel["datasource"]
    assert panel["targets"]


@each_panel
def test_a_query_goes_to_the_chosen_source_and_names_its_series(panel):
    for target in panel["targets"]:
        assert SOURCE == target["datasource"]
        assert target["legendFormat"]
    assert len(panel["targets"]) == len({target["refId"] for target in panel["targets"]})


@each_panel
def test_a_single_number_is_the_last_one_that_is_there(panel):
    if panel["type"] == "stat":
        assert ["lastNotNull"] == panel["options"]["reduceOptions"]["calcs"]


@each_expression
def test_every_selector_asks_for_the_chosen_job_and_workers(expression):
    selectors = re.findall(r"\b[a-z_]+\{([^}]*)\}", expression)

    assert selectors
    assert all('job="$job"' in selector and 'worker=~"$worker"' in selector for selector in selectors)


@each_expression
def test_every_window_is_as_long_as_grafana_finds_right(expression):
    assert {"$__rate_interval"} >= set(re.findall(r"\[(.+?)\]", expression))


@each_expression
def test_a_share_is_taken_of_sums_and_never_summed(expression):
    assert not re.search(r"sum[^(]*\(\s*rate\([^)]*\)\s*/", expression)


@each_expression
def test_what_all_workers_hold_alike_is_not_summed(expression):
    shared = re.findall(
        r"(\w+)[^()]*\((?:textsieve_cluster_members|textsieve_clusters|textsieve_centroid_version)\b", expression
    )

    assert {"max"} >= set(shared)


def test_the_variables_choose_source_job_workers_and_topics():
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}

    assert {"datasource", "job", "worker", "topic"} == set(variables)
    for name in ("job", "worker", "topic"):
        assert 2 == variables[name]["refresh"]  # when the time range changes
    for name in ("worker", "topic"):
        assert variables[name]["multi"]
        assert ".*" == variables[name]["allValue"]


def test_rebalances_deploys_and_alerts_are_marked_in_time():
    marked = {annotation["name"] for annotation in DASHBOARD["annotations"]["list"]}

    assert {"Rebalances", "Deploys", "Alerts"} <= marked


ASKED = {
    name
    for expression in [*EXPRESSIONS, *(annotation["expr"] for annotation in DASHBOARD["annotations"]["list"])]
    for name in metric_names(expression)
    if name.startswith(PREFIX)
}


def test_every_metric_on_a_panel_exists():
    assert ASKED <= {metric.exported for metric in CATALOGUE.values()}


def test_every_metric_there_is_can_be_seen():
    rules = "".join((ROOT / "monitoring" / "prometheus" / name).read_text() for name in ("rules.yml", "alerts.yml"))
    seen = ASKED | metric_names(rules)

    assert {metric.exported for metric in CATALOGUE.values()} - seen == set()


def test_runbooks_name_panels_that_exist():
    page = (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE)
    named = set(re.findall(r'"([A-Z][^"]+)"', prose))

    assert named - {panel["title"] for panel in PANELS} == set()


def test_grafana_finds_it_where_it_is_provisioned_from():
    provisioning = ROOT / "monitoring" / "grafana" / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text(encoding="utf-8"))

    assert "prometheus" == source["datasources"][0]["type"]
    assert (ROOT / "monitoring" / "grafana" / "dashboards" / "overview.json").exists()
