"""Rules and alerts: valid, tested in both directions, and explained in a runbook."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.monitoring.queries import metric_names
from textsieve.worker.metrics.catalogue import CATALOGUE
from textsieve.worker.metrics.definition import PREFIX

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "monitoring" / "prometheus"
ROUTES = ROOT / "monitoring" / "alertmanager" / "alertmanager.yml"
RULES: dict[str, Any] = yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))
ALERTS: dict[str, Any] = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))
TESTS = [
    case["name"]
    for name in ("alerts_test.yml", "alerts_days_test.yml")
    for case in yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))["tests"]
]
each_alert = pytest.mark.parametrize(
    "alert", [rule for group in ALERTS["groups"] for rule in group["rules"]], ids=lambda rule: rule["alert"]
)


def promtool(*arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    return subprocess.run([program, *arguments], cwd=FOLDER, input=given, capture_output=True, check=False)


def test_the_configuration_is_valid():
    run = promtool("check", "config", "--lint=all", "--lint-fatal", "prometheus.yml")

    assert 0 == run.returncode, run.stdout + run.stderr


def amtool(*arguments: str) -> str:
    program = shutil.which("amtool")
    if program is None:
        pytest.skip("amtool is not installed (Debian: apt install prometheus-alertmanager)")
    run = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert 0 == run.returncode, run.stdout + run.stderr
    return run.stdout


def test_the_alertmanagers_configuration_is_valid():
    assert "SUCCESS" in amtool("check-config", str(ROUTES))


@each_alert
def test_an_alert_is_told_to_those_who_answer_for_its_severity(alert):
    labels = [f"alertname={alert['alert']}", f"severity={alert['labels']['severity']}"]

    told = amtool("config", "routes", "test", f"--config.file={ROUTES}", *labels)

    assert alert["labels"]["severity"] == told.strip()


def test_only_alerts_that_exist_silence_others():
    named = set(re.findall(r"Textsieve\w+", ROUTES.read_text(encoding="utf-8"))) - {"Textsieve"}

    assert named <= {rule["alert"] for group in ALERTS["groups"] for rule in group["rules"]}


def test_rules_and_alerts_are_valid():
    run = promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yml", "alerts.yml")

    assert 0 == run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize("cases", ["alerts_test.yml", "alerts_days_test.yml"])
def test_alerts_fire_when_they_should_and_only_then(cases):
    run = promtool("test", "rules", cases)

    assert 0 == run.returncode, run.stdout + run.stderr


def test_what_a_worker_exports_pleases_promtool():
    from prometheus_client.exposition import generate_latest  # noqa: PLC0415

    from tests.unit.worker.metrics.test_catalogue import build  # noqa: PLC0415

    run = promtool("check", "metrics", given=generate_latest(build().registry))

    assert 0 == run.returncode, run.stdout + run.stderr


@each_alert
def test_an_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not(alert):
    about = [name for name in TESTS if name.startswith(alert["alert"] + " ")]

    assert [name for name in about if " fires: " in name]
    assert [name for name in about if " stays silent: " in name]


def test_no_test_is_about_an_alert_that_is_gone():
    names = {rule["alert"] for group in ALERTS["groups"] for rule in group["rules"]}

    assert {name.split()[0] for name in TESTS} == names


@each_alert
def test_an_alert_says_what_it_means_and_where_its_runbook_stands(alert):
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^## (\w+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)

    assert {"summary", "description", "runbook_url"} == set(alert["annotations"])
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert alert["alert"].lower() == anchor
    assert alert["alert"] in headings


def test_a_runbook_names_the_severity_of_its_alert():
    page = (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")
    severities = dict(re.findall(r"^## (Textsieve\w+)\n\n\*\*(\w+)\.\*\*", page, re.MULTILINE))

    assert {r["alert"]: r["labels"]["severity"] for g in ALERTS["groups"] for r in g["rules"]} == severities


RUNBOOK = (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")
QUERIES = [
    query
    for block in re.findall(r"^```promql\n(.+?)^```$", RUNBOOK, re.DOTALL | re.MULTILINE)
    for query in block.splitlines()
]


def test_the_runbooks_queries_are_valid(tmp_path):
    rules = [{"record": f"runbook:query:{number}", "expr": query} for number, query in enumerate(QUERIES)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}))

    run = promtool("check", "rules", str(tmp_path / "queries.yml"))

    assert 0 == run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize("query", QUERIES)
def test_a_runbook_asks_only_for_metrics_that_exist(query):
    recorded = {rule["record"] for group in RULES["groups"] for rule in group["rules"]}
    names = metric_names(query)

    assert {name for name in names if name.startswith(PREFIX)} <= {metric.exported for metric in CATALOGUE.values()}
    assert {name for name in names if ":" in name} <= recorded


@pytest.mark.parametrize(
    "rule", [rule for group in [*RULES["groups"], *ALERTS["groups"]] for rule in group["rules"]], ids=str
)
def test_a_rule_asks_only_for_metrics_that_exist(rule):
    recorded = {rule["record"] for group in RULES["groups"] for rule in group["rules"]}
    exported = {metric.exported for metric in CATALOGUE.values()}

    names = metric_names(rule["expr"])

    assert {name for name in names if name.startswith(PREFIX)} <= exported
    assert {name for name in names if ":" in name} <= recorded


@pytest.mark.parametrize("rule", [rule for group in RULES["groups"] for rule in group["rules"]], ids=str)
def test_a_recording_is_named_level_metric_operation(rule):
    level, metric, operation = rule["record"].split(":")

    assert set(level.split("_")) <= {"job", "outcome", "label", "topic"}
    assert metric.startswith(PREFIX)
    assert not metric.endswith("_total")
    assert operation
