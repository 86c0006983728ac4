"""Wraps rules and alerts for the Prometheus operator: `python deploy/prometheus_rule.py`."""

import sys
from pathlib import Path

import yaml

RULES = Path(__file__).parents[1] / "monitoring" / "prometheus"
HEAD = "# Made from monitoring/prometheus/rules.yml and alerts.yml by deploy/prometheus_rule.py: edit those.\n"


def prometheus_rule() -> str:
    """The PrometheusRule, as YAML."""
    groups = [
        group
        for name in ("rules.yml", "alerts.yml")
        for group in yaml.safe_load((RULES / name).read_text(encoding="utf-8"))["groups"]
    ]
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "textsieve", "labels": {"app.kubernetes.io/name": "textsieve"}},
        "spec": {"groups": groups},
    }
    return HEAD + yaml.safe_dump(resource, sort_keys=False, width=120)


if __name__ == "__main__":
    sys.stdout.write(prometheus_rule())
