"""A choice of k as a picture."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from textsieve.trainer.clustering.choose_k import KScores, Suggestion
from textsieve.trainer.reports.plots import as_svg


def picture(tried: Sequence[KScores], suggestion: Suggestion) -> str:
    """The curves, as one `<svg>` element; inertia as a share of that of the smallest k."""

    def draw(axes: Axes) -> None:
        ks = [one.k for one in tried]
        axes.plot(ks, [one.inertia / tried[0].inertia for one in tried], marker="o", color="C0", label="inertia")
        axes.plot(ks, [one.stability for one in tried], marker="^", color="C2", label="stability")
        axes.errorbar(
            ks,
            [one.silhouette for one in tried],
            yerr=[one.silhouette_std for one in tried],
            marker="s",
            color="C1",
            capsize=3,
            label="silhouette",
        )
        axes.axvline(suggestion.k, color="0.7", linewidth=1)
        axes.set_xscale("log")
        axes.set_xticks(ks, [str(k) for k in ks])
        axes.minorticks_off()
        axes.set(xlabel="k", title=f"Suggested: {suggestion.k}")
        axes.legend(loc="best", fontsize=7)

    return as_svg(draw)
