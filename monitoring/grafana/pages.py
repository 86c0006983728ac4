"""Which panel stands on which page: what everybody looks at on the first, the rest behind it."""

from collections.abc import Sequence
from dataclasses import replace

from monitoring.grafana.answers import CLUSTERS, PREDICTIONS
from monitoring.grafana.flow import KAFKA, SUMMARY
from monitoring.grafana.panels import COLUMNS, Section, View
from monitoring.grafana.verdict import VERDICT
from monitoring.grafana.work import LATENCY_ROW, MODEL, RUNTIME

MOST_PANELS = 25  # of the first page: more are not looked at

_BEHIND = (KAFKA, LATENCY_ROW, MODEL, PREDICTIONS, CLUSTERS, RUNTIME)
_ROWS = {  # of the first page, below the verdict: lines of panels of the same width
    "What comes": (("Labels", "Clusters that grow", "Weight of the clusters"), ("Confidence", "Repeats and disguises")),
    "Does it flow": (
        ("Messages in and out", "Lag", "Lag in time"),
        ("Outcomes", "Dead letters by reason"),
    ),
    "Is it fast": (("Latency", "Latency, all messages", "Busy"),),
    "Is it what it was": (("Drift", "Low confidence"), ("Not yet learned", "CPU", "Memory")),
}


def first_page() -> list[Section]:
    """The verdict, what comes, and how it flows."""
    views = {view.title: view for section in _BEHIND for view in section.views}
    rows = [
        Section(title, [_as_wide(views[name], line) for line in lines for name in line])
        for title, lines in _ROWS.items()
    ]
    return [Section("Is all well", [VERDICT, *SUMMARY.views]), *rows]


def second_page() -> list[Section]:
    """Every panel that the first one has no room for, under the headings of their subjects."""
    taken = {name for lines in _ROWS.values() for line in lines for name in line}
    return [
        replace(section, views=[view for view in section.views if view.title not in taken], collapsed=False)
        for section in _BEHIND
    ]


def _as_wide(view: View, line: Sequence[str]) -> View:
    return replace(view, width=COLUMNS // len(line))
