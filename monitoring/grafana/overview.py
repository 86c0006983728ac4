"""The dashboard: `python -m monitoring.grafana.overview > monitoring/grafana/dashboards/overview.json`.

From top to bottom it asks: is all well, do messages flow, are they fast, is the device used well, are the answers what
they were, do the clusters live. Workers are told apart by the label `worker`, which the scrape configuration sets.
"""

import json
import sys

from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from monitoring.grafana.answers import CLUSTERS, PREDICTIONS
from monitoring.grafana.flow import KAFKA, SUMMARY
from monitoring.grafana.panels import SOURCE, build_sections
from monitoring.grafana.queries import S
from monitoring.grafana.work import LATENCY_ROW, MODEL, RUNTIME

SECTIONS = (SUMMARY, KAFKA, LATENCY_ROW, MODEL, PREDICTIONS, CLUSTERS, RUNTIME)

VERSIONS = 'count by (version) (textsieve_build_info{job="$job"})'
ANNOTATIONS = {
    "Rebalances": ("sum by (worker) (changes(textsieve_rebalances_total{" + S + "}[1m])) > 0", "orange", "{{worker}}"),
    "Deploys": (
        VERSIONS + " unless " + VERSIONS.removesuffix(")") + " offset 1m)",
        "blue",
        "textsieve {{version}}",
    ),
    "Alerts": (
        'ALERTS{alertname=~"Textsieve.*", alertstate="firing"}',
        "red",
        "{{alertname}} {{worker}} {{topic}} {{signal}}",
    ),
}
VARIABLES = {
    "job": "label_values(textsieve_build_info, job)",
    "worker": 'label_values(textsieve_build_info{job="$job"}, worker)',
    "topic": 'label_values(textsieve_consumed_messages_total{job="$job"}, topic)',
}


def overview() -> str:
    """The dashboard as Grafana's classic JSON: `type: file` provisioning refuses the newer model."""
    dashboard = (
        dashboards.Dashboard("textsieve")
        .uid("textsieve-overview")
        .description("Is the stream healthy? Each alert's runbook (docs/runbooks.md) names panels of this dashboard.")
        .tags(["textsieve"])
        .readonly()
        .timezone("browser")
        .refresh("10s")
        .time("now-1h", "now")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboards.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )
    for name, query in VARIABLES.items():
        dashboard.with_variable(_variable(name, query))
    for name, (expr, color, text) in ANNOTATIONS.items():
        dashboard.annotation(_annotation(name, expr, color, text))
    build_sections(dashboard, SECTIONS)
    built = dashboard.build()
    return json.dumps(built, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _variable(name: str, query: str) -> dashboards.QueryVariable:
    variable = (
        dashboards.QueryVariable(name)
        .label(name.capitalize())
        .query(query)
        .datasource(SOURCE)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )
    return variable if name == "job" else variable.multi(True).include_all(True).all_value(".*")


def _annotation(name: str, expr: str, color: str, text: str) -> dashboards.AnnotationQuery:
    target = prometheus.Dataquery().ref_id("Anno").expr(expr).datasource(SOURCE).range()
    annotation = dashboards.AnnotationQuery().name(name).datasource(SOURCE).enable(True).icon_color(color)
    return annotation.expr(expr).step("60s").title_format(name).text_format(text).target(target)


if __name__ == "__main__":
    sys.stdout.write(overview())
