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

from monitoring.grafana.overview import details, overview
from monitoring.grafana.pages import MOST_PANELS
from monitoring.grafana.verdict import WRONG
from tests.unit.monitoring.queries import metric_names
from textsieve.worker.metrics.catalogue import CATALOGUE
from textsieve.worker.metrics.definition import PREFIX

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "monitoring" / "grafana" / "dashboards"
BUILDERS = {"overview": overview, "details": details}
PAGES: dict[str, dict[str, Any]] = {
    name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in BUILDERS
}
each_page = pytest.mark.parametrize("page", PAGES)
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def _flat(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [inner for panel in panels for inner in [panel, *_flat(panel.get("panels", []))]]


ON = {name: _flat(dashboard["panels"]) for name, dashboard in PAGES.items()}
PANELS = [panel for panels in ON.values() for panel in panels if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
each_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
each_expression = pytest.mark.parametrize("expression", EXPRESSIONS)


@each_page
def test_the_committed_file_is_what_the_code_builds(page):
    committed = (FOLDER / f"{page}.json").read_text(encoding="utf-8")

    assert BUILDERS[page]() == committed, "make monitoring-files"


@each_page
def test_nothing_gets_lost_on_a_round_trip_through_the_library(page):
    again = json.loads(json.dumps(Dashboard.from_json(PAGES[page]), cls=JSONEncoder))

    assert PAGES[page] == again


@each_page
def test_the_file_fits_grafanas_schema(page):
    schema = json.loads((ROOT / "tests" / "schemas" / "dashboard.jsonschema.json").read_text(encoding="utf-8"))

    jsonschema.validate(PAGES[page], schema)


@pytest.mark.parametrize(
    ("page", "rows"),
    [
        ("overview", ["Is all well", "What comes", "Does it flow", "Is it fast", "Is it what it was"]),
        ("details", ["Kafka", "Latency", "Batching and model", "Predictions", "Clusters", "Runtime"]),
    ],
)
def test_a_page_has_the_rows_that_are_gone_through(page, rows):
    assert rows == [row["title"] for row in ON[page] if row["type"] == "row"]


def test_the_first_page_can_be_taken_in():
    assert len([panel for panel in ON["overview"] if panel["type"] != "row"]) <= MOST_PANELS


def test_the_first_panel_says_in_words_whether_all_is_well():
    first = next(panel for panel in ON["overview"] if panel["type"] != "row")
    words = {target["legendFormat"]: target for target in first["targets"]}
    colors = {step["value"]: step["color"] for step in first["fieldConfig"]["defaults"]["thresholds"]["steps"]}

    assert ("stat", "name", 24) == (first["type"], first["options"]["textMode"], first["gridPos"]["w"])
    assert ["all is well", *(told for told, _, _ in WRONG)] == list(words)
    assert {None: "green", 1: "yellow", 2: "red"} == colors
    assert all(target["instant"] for target in words.values())  # what was wrong an hour ago is not wrong now


@each_page
def test_it_is_edited_in_the_code_alone(page):
    assert not PAGES[page]["editable"]
    assert 42 == PAGES[page]["schemaVersion"]


@each_page
def test_a_page_leads_to_the_other(page):
    (link,) = PAGES[page]["links"]

    assert ("dashboards", PAGES[page]["tags"]) == (link["type"], link["tags"])


@each_page
def test_panels_have_ids_of_their_own(page):
    assert len(ON[page]) == len({panel["id"] for panel in ON[page]})


def test_titles_are_unique_on_all_pages():
    assert len(PANELS) == len({panel["title"] for panel in PANELS})


@each_page
def test_no_panel_covers_another_or_leaves_the_grid(page):
    places = [panel["gridPos"] for panel in ON[page]]

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

    assert {"max", "delta"} >= set(shared)


@each_page
def test_the_variables_choose_source_job_workers_and_topics(page):
    variables = {variable["name"]: variable for variable in PAGES[page]["templating"]["list"]}

    assert {"datasource", "job", "worker", "topic"} == set(variables)
    for name in ("job", "worker", "topic"):
        assert 2 == variables[name]["refresh"]  # when the time range changes
    for name in ("worker", "topic"):
        assert variables[name]["multi"]
        assert ".*" == variables[name]["allValue"]


@each_page
def test_rebalances_deploys_and_alerts_are_marked_in_time(page):
    marked = {annotation["name"] for annotation in PAGES[page]["annotations"]["list"]}

    assert {"Rebalances", "Deploys", "Alerts"} <= marked


ASKED = {
    name
    for expression in [*EXPRESSIONS, *(annotation["expr"] for annotation in PAGES["overview"]["annotations"]["list"])]
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
    assert set(PAGES) == {path.stem for path in FOLDER.glob("*.json")}
