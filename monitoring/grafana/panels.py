"""What a panel is to us, and how it becomes one of Grafana's."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from string import ascii_uppercase
from typing import Any

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders import heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
COLUMNS = 24  # of a row
PER_SECOND = "suffix: msg/s"


class Look(StrEnum):
    """How a panel draws its series."""

    STAT = "stat"
    WORDS = "words"  # the names of the series that have a value now, on the colour of that value
    LINES = "lines"
    STACK = "stack"
    BARS = "bars"
    HEATMAP = "heatmap"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression; `legend` names its series by their labels."""

    expr: str
    legend: str = ""
    exemplar: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """One panel.

    Attributes:
        unit: in Grafana's names.
        watch, shift: values from which it is yellow, and red.
        top: the axis ends there.
    """

    title: str
    meaning: str
    unit: str
    queries: Sequence[Query]
    look: Look = Look.LINES
    width: int = 6
    height: int = 7
    watch: float | None = None
    shift: float | None = None
    top: float | None = None
    low_is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A row of panels under a heading."""

    title: str
    views: Sequence[View]
    collapsed: bool = False


def build_sections(dashboard: dashboards.Dashboard, sections: Sequence[Section]) -> None:
    """Add all rows and panels, from left to right and from top to bottom."""
    number = top = 0
    for section in sections:
        row = dashboards.Row(section.title).collapsed(section.collapsed).id(number := number + 1)
        row.grid_pos(models.GridPos(h=1, w=COLUMNS, x=0, y=top))
        top += 1
        left = 0
        panels = []
        for view in section.views:
            if left + view.width > COLUMNS:
                left, top = 0, top + view.height
            place = models.GridPos(h=view.height, w=view.width, x=left, y=top)
            panels.append(_panel(view).id(number := number + 1).grid_pos(place))
            left += view.width
        top += section.views[-1].height
        if section.collapsed:
            for panel in panels:
                row.with_panel(panel)
        dashboard.with_row(row)
        for panel in [] if section.collapsed else panels:
            dashboard.with_panel(panel)


def _panel(view: View) -> Any:
    match view.look:
        case Look.STAT:
            panel = _stat()
        case Look.WORDS:
            panel = _words()
        case Look.HEATMAP:
            panel = _heatmap(view)
        case Look.TABLE:
            panel = table.Panel()
        case _:
            panel = _timeseries(view)
    panel.title(view.title).description(view.meaning).datasource(SOURCE).unit(view.unit)
    if view.top is not None:
        panel.max(view.top)
    if view.watch is not None or view.shift is not None:
        panel.thresholds(_thresholds(view))
    for letter, query in zip(ascii_uppercase, view.queries, strict=False):
        panel.with_target(_target(letter, query, view.look))
    return panel


def _target(letter: str, query: Query, look: Look) -> prometheus.Dataquery:
    target = prometheus.Dataquery().ref_id(letter).expr(query.expr).datasource(SOURCE)
    target.legend_format(query.legend or "__auto")
    match look:
        case Look.HEATMAP:
            return target.range().format(PromQueryFormat.HEATMAP)
        case Look.TABLE:
            return target.instant().format(PromQueryFormat.TABLE)
        case Look.WORDS:
            return target.instant()  # what was wrong an hour ago is not wrong now
        case _:
            target.range()
    return target.exemplar(True) if query.exemplar else target


def _stat() -> stat.Panel:
    reduce = common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    return (
        stat.Panel()
        .reduce_options(reduce)
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.AREA)
    )


def _words() -> stat.Panel:
    return (
        _stat()
        .color_mode(common.BigValueColorMode.BACKGROUND_SOLID)
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.NAME)
    )


def _heatmap(view: View) -> heatmap.Panel:
    color = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Spectral").reverse(True).steps(64)
    return (
        heatmap.Panel()
        .color(color)
        .calculate(False)
        .cell_gap(1)
        .y_axis(heatmap.YAxisConfig().unit(view.unit))
        .tooltip(heatmap.HeatmapTooltip().mode(common.TooltipDisplayMode.SINGLE).y_histogram(True))
    )


def _timeseries(view: View) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .line_width(1)
        .fill_opacity({Look.LINES: 8, Look.STACK: 40, Look.BARS: 80}[view.look])
        .show_points(common.VisibilityMode.NEVER)
        .span_nulls(False)
        .min(0)
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(
            common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
        )
    )
    if view.look is not Look.LINES:
        panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
    if view.look is Look.BARS:
        panel.draw_style(common.GraphDrawStyle.BARS)
    if view.watch is not None or view.shift is not None:
        panel.thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    return panel


def _thresholds(view: View) -> dashboards.ThresholdsConfig:
    steps = [models.Threshold(value=None, color="red" if view.low_is_bad else "green")]
    for value, color in ((view.watch, "yellow"), (view.shift, "green" if view.low_is_bad else "red")):
        if value is not None:
            steps.append(models.Threshold(value=value, color=color))
    return dashboards.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)
