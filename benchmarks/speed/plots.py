"""The pictures: the same data give the same files."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

OTHERS, OURS, THIRD, FOURTH = "#999999", "#0072B2", "#E69F00", "#009E73"  # Okabe and Ito: told apart by everybody
WIDTH, HEIGHT = 8.0, 3.6  # inches
MARKERS = "osD^v"


def draw(found: Mapping[str, Any], folder: Path) -> None:
    """Write one SVG for each section that was measured."""
    for section, picture in PICTURES.items():
        told = found.get("engines", {}).get("lengths") if section == "lengths" else found.get(section)
        if told:
            with svg(folder / f"speed-{section.replace('_', '-')}.svg") as axes:
                picture(axes, found)


@contextmanager
def svg(path: Path) -> Iterator[Axes]:
    """Axes to draw on; the same data give the same file."""
    with mpl.rc_context({"svg.hashsalt": "textsieve", "svg.fonttype": "none"}):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        yield axes
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, metadata={"Date": None})


def _side_by_side(axes: Axes, found: Mapping[str, Any]) -> None:
    rates = found["side_by_side"]
    names = list(rates)
    medians = [rates[name]["median"] for name in names]
    spread = [
        [rates[name]["median"] - rates[name]["lowest"] for name in names],
        [rates[name]["highest"] - rates[name]["median"] for name in names],
    ]
    colours = [OURS if name.startswith("textsieve") else OTHERS for name in names]
    bars = axes.barh(names, medians, xerr=spread, color=colours, error_kw={"linewidth": 1, "ecolor": "#333333"})
    axes.bar_label(bars, labels=[f"{median:,.0f}" for median in medians], padding=6)
    axes.invert_yaxis()
    axes.set(xlabel="messages per second on one core, broker to broker; bars: median, lines: all rounds")


def _latency(axes: Axes, found: Mapping[str, Any]) -> None:
    loads = found["latency"]
    for name, colour, marker in zip(("p50", "p95", "p99"), (OURS, THIRD, FOURTH), MARKERS, strict=False):
        values = [told[name] * 1000 for told in loads.values()]
        axes.plot(list(loads), values, color=colour, marker=marker, label=name)
    axes.set(xlabel="load, of the measured capacity", ylabel="milliseconds, due to published", yscale="log")
    axes.legend(frameon=False)


def _lengths(axes: Axes, found: Mapping[str, Any]) -> None:
    lengths = found["engines"]["lengths"]
    names = [name for name in lengths if name not in {"fp32", "auto"}]
    for name, colour, marker in zip(names, (OTHERS, THIRD, OURS, FOURTH), MARKERS, strict=False):
        axes.plot(
            [int(size) for size in lengths[name]], list(lengths[name].values()), color=colour, marker=marker, label=name
        )
    axes.set(xlabel="tokens per text", ylabel="messages per second", xscale="log", yscale="log")
    axes.set_xticks([int(size) for size in lengths[names[0]]], lengths[names[0]])
    axes.minorticks_off()
    axes.legend(frameon=False)


def _repeats(axes: Axes, found: Mapping[str, Any]) -> None:
    rates = found["repeats"]
    medians = [told["median"] for told in rates.values()]
    bars = axes.bar(list(rates), medians, color=OURS, width=0.5)
    axes.bar_label(bars, labels=[f"{median:,.0f}" for median in medians], padding=3)
    axes.set(xlabel="exact repeats among the messages, cache on", ylabel="messages per second")


def _roof(axes: Axes, found: Mapping[str, Any]) -> None:
    told = found["engines"]
    roof = told["roof_tokens_per_second"]
    names = [name for name in told["forward"] if name not in {"fp32", "auto"}]
    rates = [told["forward"][name]["messages_per_second"]["median"] * told["mean_tokens"] for name in names]
    ends = _ends(found)
    rows = [*names, *ends]
    values = [*rates, *(rate * told["mean_tokens"] for rate in ends.values())]
    bars = axes.barh(rows, values, color=[OTHERS] * len(names) + [OURS] * len(ends))
    axes.bar_label(bars, labels=[f"{value / roof:.0%}" for value in values], padding=3)
    axes.axvline(roof, color="#D55E00", linestyle="--")
    axes.text(roof, -0.6, " fp32 GEMM roof", color="#D55E00", va="bottom", ha="right")
    axes.invert_yaxis()
    axes.set(xlabel="tokens per second on one core; grey: raw forward, blue: broker to broker")


def _ends(found: Mapping[str, Any]) -> dict[str, float]:
    sides = found.get("side_by_side", {})
    names: Sequence[str] = ("textsieve fp32", "textsieve auto")
    return {name: sides[name]["median"] for name in names if name in sides}


PICTURES = {
    "side_by_side": _side_by_side,
    "latency": _latency,
    "engines": _roof,
    "lengths": _lengths,
    "repeats": _repeats,
}
