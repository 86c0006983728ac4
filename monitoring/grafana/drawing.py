"""Draws what is inside a panel: a number, lines, or a heat map."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from monitoring.grafana.units import shown

CARD = "#181b1f"
THRESHOLDS = {"green": "#73bf69", "yellow": "#f2cc0c", "red": "#f2495c"}
STEP_SECONDS = 1.0  # between two points


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a panel."""

    name: str
    times: np.ndarray  # [points] seconds since the start
    values: np.ndarray  # [points], NaN where there is nothing


def draw_stat(figure: Figure, panel: Mapping[str, Any], box: tuple[float, ...], line: Line) -> None:
    """The newest value, coloured by its thresholds, over its course."""
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
    middle = (left + width / 2, bottom + height * 0.56)
    figure.text(*middle, shown(value, unit), size=21, color=color, ha="center", va="center")


def draw_words(figure: Figure, panel: Mapping[str, Any], box: tuple[float, ...], lines: Sequence[Line]) -> None:
    """The names of the series that have a value at the end, on the colour of the worst of them."""
    left, bottom, width, height = box
    end = max((float(line.times[-1]) for line in lines), default=0.0)
    now = [line for line in lines if line.times[-1] == end and math.isfinite(line.values[-1])]
    worst = max((float(line.values[-1]) for line in now), default=0.0)
    color = THRESHOLDS["green"]
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
        if step["value"] is not None and worst >= step["value"]:
            color = THRESHOLDS[step["color"]]
    middle = (left + width / 2, bottom + height * 0.42)
    figure.text(*middle, " · ".join(line.name for line in now), size=17, color=color, ha="center", va="center")


def draw_series(axes: Axes, lines: Sequence[Line], panel: Mapping[str, Any]) -> None:
    """Lines beside or upon each other, and the panel's thresholds."""
    defaults = panel["fieldConfig"]["defaults"]
    custom = defaults.get("custom", {})
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    if stacked and lines:
        ends = np.concatenate([line.times for line in lines])
        times = np.arange(ends.min(), ends.max() + STEP_SECONDS / 2, STEP_SECONDS)  # [points]
        rows = [on_grid(line, times) for line in lines]
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
    axes.yaxis.set_major_formatter(lambda value, _: shown(value, defaults["unit"]))


def on_grid(line: Line, times: np.ndarray) -> np.ndarray:
    """The line's values at all times of a stack; 0 where it has none, for a gap is no slope."""
    row = np.zeros(len(times))  # [points]
    places = np.rint((line.times - times[0]) / STEP_SECONDS).astype(np.intp)
    row[places] = np.nan_to_num(line.values)
    return row


def draw_heatmap(axes: Axes, lines: Sequence[Line], panel: Mapping[str, Any]) -> None:
    """Buckets of a histogram over time; the lines are cumulative, as Prometheus gives them."""
    bounded = sorted(lines, key=lambda line: float(line.name.replace("+Inf", "inf")))
    times = bounded[0].times
    totals = np.stack(
        [np.interp(times, line.times, np.nan_to_num(line.values)) for line in bounded]
    )  # [buckets, points]
    cells = np.diff(totals, axis=0, prepend=0).clip(min=0)
    used = np.flatnonzero(cells.sum(axis=1) > 0)
    low, high = (used[0], used[-1] + 1) if used.size else (0, len(cells))
    cells_shown = np.where(cells[low:high] > 0, cells[low:high], np.nan)
    palette = mpl.colormaps["Spectral_r"].copy()
    palette.set_bad(CARD)
    edges = np.append(times, times[-1] + 1)
    axes.pcolormesh(edges, np.arange(high - low + 1), cells_shown, cmap=palette, rasterized=True)
    unit = panel["fieldConfig"]["defaults"]["unit"]
    axes.set_yticks(
        np.arange(high - low) + 1,
        [shown(float(line.name), unit) if line.name != "+Inf" else "more" for line in bounded[low:high]],
    )
    axes.locator_params(axis="x", nbins=5)
