"""A trade-off as a picture: what every weight costs in labels, and is worth in clusters."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from textsieve.trainer.experiments.summary import FREE, Weighed
from textsieve.trainer.reports.plots import drawn


def curve(weighed: Sequence[Weighed]) -> str:
    """F1 minus that of the embedding let go, and NMI minus the original encoder's, as one `<svg>` element.

    Args:
        weighed: in the order of their weights, which are drawn at equal distances.
    """

    def draw(axes: Axes) -> None:
        _f1(axes, weighed)
        for number, name in enumerate(weighed[0].nmi, start=1):
            values = [one.nmi[name].minus_original for one in weighed]
            axes.plot(range(len(weighed)), values, marker="o", color=f"C{number}", label=f"NMI of {name} - original's")
        axes.axhline(0, color="0.7", linewidth=1)
        axes.set_xticks(range(len(weighed)), [f"{one.weight:g}" for one in weighed])
        axes.set(xlabel="how strongly the embedding is held", ylabel="difference", title="Labels and clusters")
        axes.legend(loc="lower right", fontsize=7)

    return drawn(draw)


def _f1(axes: Axes, weighed: Sequence[Weighed]) -> None:
    found = [(number, one.minus_free.interval) for number, one in enumerate(weighed) if one.minus_free is not None]
    axes.errorbar(
        [number for number, _ in found],
        [interval.value for _, interval in found],
        yerr=(
            [interval.value - interval.low for _, interval in found],
            [interval.high - interval.value for _, interval in found],
        ),
        marker="s",
        color="C0",
        capsize=3,
        label=f"F1 - F1 at {FREE:g}, 95 %",
    )
