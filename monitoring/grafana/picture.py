"""Draws the dashboard from live data with matplotlib: not Grafana's own rendering, but the same panels and queries."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

DASHBOARD = Path(__file__).with_name("dashboards") / "overview.json"
CHOSEN = {"$job": "textsieve", "$worker": ".*", "$topic": ".*", "$__rate_interval": "10s"}

BACK, CARD, EDGE, TEXT, FAINT = "#111217", "#181b1f", "#2c3235", "#d5d6d9", "#8e9097"
COLORS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#ffa6b0", "#96d98d", "#ffee52")
THRESHOLDS = {"green": "#73bf69", "yellow": "#f2cc0c", "red": "#f2495c"}
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
STEP_SECONDS = 1.0  # between two points

ALERTS = 'ALERTS{alertname=~"Textsieve.*", alertstate="firing"}'
Ask = Callable[[str], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a panel."""

    name: str
    times: np.ndarray  # [points] seconds since the start
    values: np.ndarray  # [points], NaN where there is nothing


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
    if panel["type"] == "stat":
        _draw_stat(figure, panel, box, lines[0])
        return None
    inner = (left + 0.034, bottom + 0.48 * inch, width - 0.042, height - 0.82 * inch)
    axes = figure.add_axes(inner)
    if panel["type"] == "heatmap":
        _draw_heatmap(axes, lines, panel)
    else:
        _draw_series(axes, lines, panel)
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


def _draw_stat(figure: Figure, panel: Mapping[str, Any], box: tuple[float, ...], line: Line) -> None:
    left, bottom, width, height = box
    value = next((value for value in line.values[::-1] if math.isfinite(value)), math.nan)
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
    color = THRESHOLDS["green"]
    for step in steps:
        if step["value"] is None or value >= step["value"]:
            color = THRESHOLDS[step["color"]]
    axes = figure.add_axes((left, bottom, width, height * 0.34))
    axes.fill_between(line.times, line.values, color=color, alpha=0.18, linewidth=0)
    axes.plot(line.times, line.values, color=color, linewidth=0.9, alpha=0.8)
    axes.set_axis_off()
    axes.margins(0, 0.02)
    axes.set_ylim(bottom=0)
    unit = panel["fieldConfig"]["defaults"]["unit"]
    shown = _format(value, unit)
    figure.text(left + width / 2, bottom + height * 0.56, shown, size=21, color=color, ha="center", va="center")


def _draw_series(axes: Axes, lines: Sequence[Line], panel: Mapping[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    custom = defaults.get("custom", {})
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    if stacked and lines:
        ends = np.concatenate([line.times for line in lines])
        times = np.arange(ends.min(), ends.max() + STEP_SECONDS / 2, STEP_SECONDS)  # [points]
        rows = [_on_grid(line, times) for line in lines]
        names = [line.name for line in lines]
        axes.stackplot(times, rows, labels=names, alpha=0.75 if custom.get("drawStyle") == "bars" else 0.5, linewidth=0)
        axes.set_prop_cycle(None)
        for row in np.cumsum(rows, axis=0):
            axes.plot(times, row, linewidth=0.8)
    else:
        for line in lines:
            (drawn,) = axes.plot(line.times, line.values, linewidth=1.1, label=line.name)
            axes.fill_between(line.times, line.values, color=drawn.get_color(), alpha=0.07, linewidth=0)
    for step in defaults.get("thresholds", {}).get("steps", []):
        if step["value"] is not None:
            axes.axhline(step["value"], color=THRESHOLDS[step["color"]], linewidth=0.9, linestyle=(0, (4, 3)))
    highest = max((float(np.nanmax(line.values)) for line in lines if np.isfinite(line.values).any()), default=1.0)
    axes.set_ylim(0, defaults.get("max") or (None if highest > 0 else 1))
    axes.set_axisbelow(True)
    axes.grid(visible=True, linewidth=0.6)
    axes.margins(x=0)
    axes.locator_params(axis="both", nbins=5)
    axes.yaxis.set_major_formatter(lambda value, _: _format(value, defaults["unit"]))


def _on_grid(line: Line, times: np.ndarray) -> np.ndarray:
    """The line's values at all times of a stack; 0 where it has none, for a gap is no slope."""
    row = np.zeros(len(times))  # [points]
    places = np.rint((line.times - times[0]) / STEP_SECONDS).astype(np.intp)
    row[places] = np.nan_to_num(line.values)
    return row


def _draw_heatmap(axes: Axes, lines: Sequence[Line], panel: Mapping[str, Any]) -> None:
    bounded = sorted(lines, key=lambda line: float(line.name.replace("+Inf", "inf")))
    times = bounded[0].times
    totals = np.stack(
        [np.interp(times, line.times, np.nan_to_num(line.values)) for line in bounded]
    )  # [buckets, points]
    cells = np.diff(totals, axis=0, prepend=0).clip(min=0)
    used = np.flatnonzero(cells.sum(axis=1) > 0)
    low, high = (used[0], used[-1] + 1) if used.size else (0, len(cells))
    shown = np.where(cells[low:high] > 0, cells[low:high], np.nan)
    palette = mpl.colormaps["Spectral_r"].copy()
    palette.set_bad(CARD)
    edges = np.append(times, times[-1] + 1)
    axes.pcolormesh(edges, np.arange(high - low + 1), shown, cmap=palette, rasterized=True)
    unit = panel["fieldConfig"]["defaults"]["unit"]
    axes.set_yticks(
        np.arange(high - low) + 1,
        [_format(float(line.name), unit) if line.name != "+Inf" else "more" for line in bounded[low:high]],
    )
    axes.locator_params(axis="x", nbins=5)


def _format(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return "-"
    match unit:
        case "percentunit":
            return f"{value * 100:.3g} %"
        case "s":
            return _scaled(value, (("d", 86400), ("h", 3600), ("min", 60), ("s", 1), ("ms", 1e-3), ("µs", 1e-6)))
        case "bytes" | "Bps":
            scaled = _scaled(value, (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10), ("B", 1)))
            return scaled + ("/s" if unit == "Bps" else "")
        case "cps":
            return f"{value:.3g} /s"
        case _ if unit.startswith("suffix:"):
            return f"{_scaled(value, (('M', 1e6), ('k', 1e3), ('', 1))).strip()}{unit.removeprefix('suffix:')}"
        case _:
            return _scaled(value, (("M", 1e6), ("k", 1e3), ("", 1))).strip()


def _scaled(value: float, units: Sequence[tuple[str, float]]) -> str:
    for name, size in units:
        if abs(value) >= size:
            return f"{value / size:.3g} {name}"
    return (
        f"{value / units[-1][1]:.2g} {units[-1][0]}" if value else f"0 {units[-1][0] if units[-1][0] != 'µs' else 's'}"
    )
