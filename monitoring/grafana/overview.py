"""The dashboards: `python -m monitoring.grafana.overview [details]` writes one to stdout (`make monitoring-files`).

The first asks: is all well, what comes, does it flow, is it fast, is it what it was. The second has the rest. Workers
are told apart by the label `worker`, which the scrape configuration sets.
"""

import json
import sys
from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from monitoring.grafana.pages import first_page, second_page
from monitoring.grafana.panels import SOURCE, Section, build_sections
from monitoring.grafana.queries import S

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
    """The first page as Grafana's classic JSON: `type: file` provisioning refuses the newer model."""
    about = (
        "Is the stream healthy, and what is it about? Each alert's runbook (docs/runbooks.md) names panels to look at."
    )
    return _built("textsieve", "textsieve-overview", about, first_page())


def details() -> str:
    """The second page: for whoever looks for a cause."""
    return _built("textsieve details", "textsieve-details", "What the first page has no room for.", second_page())


def _built(title: str, uid: str, about: str, sections: Sequence[Section]) -> str:
    other = dashboards.DashboardLink("The other page").type(models.DashboardLinkType.DASHBOARDS).tags(["textsieve"])
    dashboard = (
        dashboards.Dashboard(title)
        .uid(uid)
        .description(about)
        .tags(["textsieve"])
        .link(other.include_vars(True).keep_time(True))
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
    build_sections(dashboard, sections)
    return json.dumps(dashboard.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


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
    sys.stdout.write(details() if sys.argv[1:] == ["details"] else overview())
