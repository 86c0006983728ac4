"""A choice of k as a table."""

from collections.abc import Sequence

from textsieve.trainer.clustering.choose_k import KScores, Suggestion
from textsieve.trainer.reports.evaluation_tables import Section
from textsieve.trainer.reports.rendering import as_markdown

_NOTE = (
    "K-means on half of the texts, several times for each k. Inertia: mean squared distance to the own centroid. "
    "Silhouette: by cosine, with its standard deviation over the runs. Stability: adjusted Rand index between runs. "
    "NMI: with the labels, which took no part in the suggestion."
)


def table(name: str, tried: Sequence[KScores], suggestion: Suggestion) -> str:
    """The numbers, as Markdown."""
    header = ("k", "inertia", "silhouette", "stability", "NMI", "")
    rows = tuple(
        (
            str(one.k),
            f"{one.inertia:.3f}",
            f"{one.silhouette:.3f} ± {one.silhouette_std:.3f}",
            f"{one.stability:.3f}",
            f"{one.nmi:.3f}",
            "suggested" if one.k == suggestion.k else "",
        )
        for one in tried
    )
    said = f"Suggested: {suggestion.k}, {suggestion.reason}."
    return as_markdown(f"Number of clusters of {name}", [Section(said, _NOTE, header, rows)])
