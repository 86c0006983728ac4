"""The pictures of a report, as SVG."""

import io
import re
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from textsieve.trainer.evaluation.evaluate import Evaluation

_MOST_CURVES = 10  # more lines in a picture cannot be told apart
_MOST_NAMES = 30  # more names beside a matrix cannot be read


def pictures(evaluation: Evaluation) -> Iterator[str]:
    """Reliability, precision against recall, confusion, disguises: one `<svg>` element each, where there are any."""
    yield as_svg(partial(_reliability, evaluation=evaluation))
    yield as_svg(partial(_curves, evaluation=evaluation))
    if evaluation.scores.confusion is not None:
        yield as_svg(partial(_confusion, evaluation=evaluation))
    if evaluation.disguised:
        yield as_svg(partial(_disguised, evaluation=evaluation))


def as_svg(draw: Callable[[Axes], None]) -> str:
    """One picture as an `<svg>` element; the same input gives the same text."""
    # the salt makes the ids inside the same every time, the metadata leave out the date
    with rc_context({"svg.hashsalt": "textsieve", "font.size": 9}):
        figure = Figure(figsize=(4.6, 4.0), layout="constrained")
        draw(figure.subplots())
        target = io.StringIO()
        figure.savefig(target, format="svg", metadata={"Date": None})
    content = target.getvalue()
    return re.sub(r"(?s)^.*?(?=<svg)", "", content)  # without the XML declaration it can stand inside a page


def _reliability(axes: Axes, evaluation: Evaluation) -> None:
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot(
        [one.confidence for one in evaluation.bins], [one.accuracy for one in evaluation.bins], marker="o", color="C0"
    )
    axes.set(xlabel="confidence", ylabel="share that was right", title="Reliability", xlim=(0, 1), ylim=(0, 1))


def _curves(axes: Axes, evaluation: Evaluation) -> None:
    ranked = [index for index, one in enumerate(evaluation.scores.labels) if one.pr_auc is not None]
    rarest = sorted(ranked, key=lambda index: evaluation.scores.labels[index].support)[:_MOST_CURVES]
    for index in rarest:
        precision, recall, _ = precision_recall_curve(evaluation.targets[:, index], evaluation.probabilities[:, index])
        axes.plot(recall, precision, label=evaluation.card.labels[index])
    axes.set(xlabel="recall", ylabel="precision", title="Precision and recall", xlim=(0, 1.01), ylim=(0, 1.01))
    if rarest:
        axes.legend(loc="lower left", fontsize=7)


def _confusion(axes: Axes, evaluation: Evaluation) -> None:
    confusion, names = np.asarray(evaluation.scores.confusion), evaluation.card.labels
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="said", ylabel="true", title="Confusion, share of each true label")
    if len(names) <= _MOST_NAMES:
        axes.set_xticks(range(len(names)), names, rotation=90)
        axes.set_yticks(range(len(names)), names)


def _disguised(axes: Axes, evaluation: Evaluation) -> None:
    rarest = min(evaluation.disguised[0].before, key=lambda label: _support(evaluation, label))
    kinds = [one.kind for one in evaluation.disguised]
    places = np.arange(len(kinds))
    axes.barh(places - 0.2, [one.before[rarest] for one in evaluation.disguised], 0.4, label="as it comes", color="C1")
    axes.barh(places + 0.2, [one.after[rarest] for one in evaluation.disguised], 0.4, label="undone", color="C0")
    axes.set_yticks(places, kinds)
    axes.invert_yaxis()
    axes.set(xlabel=f"recall of {rarest}", title="Disguised spelling", xlim=(0, 1))
    axes.legend(loc="lower left", fontsize=7)


def _support(evaluation: Evaluation, label: str) -> int:
    return next(one.support for one in evaluation.scores.labels if one.label == label)
