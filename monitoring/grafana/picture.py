"""Draws the dashboard from live data with matplotlib: not Grafana's own rendering, but the same panels and queries."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from monitoring.grafana.drawing import (
    CARD,
    STEP_SECONDS,
    THRESHOLDS,
    Line,
    draw_heatmap,
    draw_series,
    draw_stat,
    draw_words,
)

DASHBOARD = Path(__file__).with_name("dashboards") / "overview.json"
CHOSEN = {"$job": "textsieve", "$worker": ".*", "$topic": ".*", "$__rate_interval": "10s"}

BACK, EDGE, TEXT, FAINT = "#111217", "#2c3235", "#d5d6d9", "#8e9097"
COLORS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#ffa6b0", "#96d98d", "#ffee52")
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "text.color": TEXT,
    "axes.facecolor": CARD,
    "axes.edgecolor": EDGE,
    "axes.prop_cycle": mpl.cycler(color=COLORS),
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "grid.color": "#25282d",
}
WIDTH, DPI = 17.0, 110  # inches
UNIT = 0.33  # inches of height for each unit of Grafana's grid
GAP = 0.05  # inches around a panel
LEGEND_CHARACTERS = 13  # of names below a panel, for each column of the grid that it is wide

ALERTS = 'ALERTS{alertname=~"Textsieve.*", alertstate="firing"}'
Ask = Callable[[str], Sequence[Mapping[str, Any]]]


def draw_dashboard(ask: Ask, *, start: float, end: float, path: Path) -> None:
    """Write all panels that have data as one PNG.

    Args:
        ask: a PromQL expression to series as Prometheus' `query_range` gives them, from `start` to `end`.
        start: Unix seconds.
        end: Unix seconds.
        path: of the PNG.
    """
    panels = _panels_with_data()
    marks = _marks(ask, start)
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) * UNIT + 0.5
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=BACK)
        figure.text(0.012, 1 - 0.26 / height, "textsieve", size=13, weight="bold", va="center")
        about = (
            f"{end - start:.0f} s of a live stream, windows of 10 s; drawn with matplotlib from the dashboard's queries"
        )
        figure.text(0.988, 1 - 0.26 / height, about, size=8, color=FAINT, va="center", ha="right")
        fired = " · ".join(f"{_clock(seconds)} {name}" for name, seconds in marks.items())
        color = THRESHOLDS["red"]
        figure.text(0.09, 1 - 0.26 / height, f"┊ alerts: {fired}", size=8, color=color, va="center")
        for panel in panels:
            box = _box(panel["gridPos"], height)
            if panel["type"] == "row":
                figure.text(box[0] + 0.004, box[1] + box[3] / 2, f"▾  {panel['title']}", size=10, va="center")
            else:
                answers = [_lines(ask, target, start) for target in panel["targets"]]
                axes = _draw_panel(figure, panel, box, answers, [*marks.values()])
                if axes is not None:
                    axes.set_xlim(0, end - start)  # all alike, also where a series came late
        figure.savefig(path, facecolor=BACK)


def _panels_with_data() -> list[dict[str, Any]]:
    """Open rows and their panels without those of a GPU; what stands below the gap moves up."""
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    gaps = {panel["gridPos"]["y"]: panel["gridPos"]["h"] for panel in panels if _is_gpu(panel)}
    shown = [panel for panel in panels if not panel.get("collapsed") and not _is_gpu(panel)]
    for panel in shown:
        top = panel["gridPos"]["y"]
        panel["gridPos"]["y"] = top - sum(height for gap, height in gaps.items() if gap < top)
    return shown


def _is_gpu(panel: Mapping[str, Any]) -> bool:
    return "gpu" in json.dumps(panel.get("targets", []))


def _marks(ask: Ask, start: float) -> dict[str, float]:
    """When each alert began to fire, in seconds since the start, earliest first; not those that fired before."""
    began: dict[str, float] = {}
    for series in ask(ALERTS):
        name = series["metric"]["alertname"].removeprefix("Textsieve")
        seconds = float(series["values"][0][0]) - start
        if seconds > STEP_SECONDS:
            began[name] = min(began.get(name, math.inf), seconds)
    return dict(sorted(began.items(), key=lambda found: found[1]))


def _box(place: Mapping[str, int], height: float) -> tuple[float, float, float, float]:
    """Left, bottom, width, height as shares of the figure."""
    column = (WIDTH - 0.2) / 24
    left, top = 0.1 + place["x"] * column, 0.5 + place["y"] * UNIT
    return (
        (left + GAP) / WIDTH,
        1 - (top + place["h"] * UNIT - GAP) / height,
        (place["w"] * column - 2 * GAP) / WIDTH,
        (place["h"] * UNIT - 2 * GAP) / height,
    )


def _lines(ask: Ask, target: Mapping[str, Any], start: float) -> list[Line]:
    expression = target["expr"]
    for name, value in CHOSEN.items():
        expression = expression.replace(name, value)
    lines = []
    for series in ask(expression):
        times, values = np.asarray(series["values"], np.float64).T  # [points]
        gaps = np.flatnonzero(np.diff(times) > STEP_SECONDS) + 1
        times, values = np.insert(times, gaps, times[gaps - 1] + STEP_SECONDS), np.insert(values, gaps, np.nan)
        lines.append(Line(_legend(target["legendFormat"], series["metric"]), times - start, values))
    return sorted(lines, key=lambda line: line.name)


def _legend(template: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), template)


def _draw_panel(
    figure: Figure,
    panel: Mapping[str, Any],
    box: tuple[float, float, float, float],
    answers: Sequence[Sequence[Line]],
    marks: Sequence[float],
) -> Axes | None:
    """One panel; its axes, if it has any."""
    left, bottom, width, height = box
    figure.patches.append(
        FancyBboxPatch(
            (left, bottom),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.002",
            facecolor=CARD,
            edgecolor=EDGE,
            linewidth=0.6,
            transform=figure.transFigure,
            zorder=-1,
        )
    )
    inch = 1 / figure.get_figheight()
    figure.text(left + 0.006, bottom + height - 0.15 * inch, panel["title"], size=8.5, va="center")
    lines = [line for answer in answers for line in answer]
    if panel.get("options", {}).get("textMode") == "name":
        draw_words(figure, panel, box, lines)
        return None
    if panel["type"] == "stat":
        draw_stat(figure, panel, box, lines[0])
        return None
    inner = (left + 0.034, bottom + 0.48 * inch, width - 0.042, height - 0.82 * inch)
    axes = figure.add_axes(inner)
    if panel["type"] == "heatmap":
        draw_heatmap(axes, lines, panel)
    else:
        draw_series(axes, lines, panel)
        _draw_legend(figure, axes, (left + 0.004, bottom + 0.01 * inch), LEGEND_CHARACTERS * panel["gridPos"]["w"])
    for mark in marks if panel["type"] != "heatmap" else ():
        axes.axvline(mark, color=THRESHOLDS["red"], linewidth=0.7, linestyle=(0, (2, 3)), alpha=0.8)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelsize=6.5)
    axes.xaxis.set_major_formatter(lambda seconds, _: _clock(seconds))
    return axes


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _draw_legend(figure: Figure, axes: Axes, corner: tuple[float, float], characters: int) -> None:
    handles, names = axes.get_legend_handles_labels()
    room = np.cumsum([len(name) + 5 for name in names]) <= characters
    shown = [(handle, name) for handle, name, fits in zip(handles, names, room, strict=True) if fits and name]
    if 0 < len(shown) < len([name for name in names if name]):
        shown[-1] = (shown[-1][0], f"and {len(names) - len(shown) + 1} more")
    if shown:
        figure.legend(
            *zip(*shown, strict=True),
            loc="lower left",
            bbox_to_anchor=corner,
            ncol=len(shown),
            frameon=False,
            fontsize=6.5,
            handlelength=1.0,
            columnspacing=0.9,
            handletextpad=0.4,
            borderpad=0.2,
        )
