"""The measures: how decisions, and the ranking behind them, agree with the truth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    matthews_corrcoef,
    precision_recall_fscore_support,
    roc_auc_score,
)

from textsieve.trainer.data.examples import Targets
from textsieve.worker.inference.decisions import EVEN
from textsieve.worker.records import Probabilities


@dataclass(frozen=True, slots=True)
class PrecisionRecallF1:
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class LabelScores:
    """One label against all others."""

    label: str
    support: int  # texts that carry it
    scores: PrecisionRecallF1
    roc_auc: float | None  # None: all of the texts carry it, none does, or it was only said, without a probability
    pr_auc: float | None  # average precision


@dataclass(frozen=True, slots=True)
class Scores:
    """All that is said about decisions and ranking."""

    texts: int
    accuracy: float  # texts with all their labels right
    macro: PrecisionRecallF1  # every label counts the same
    micro: PrecisionRecallF1  # every decision counts the same; for exclusive labels all three are the accuracy
    mcc: float  # Matthews correlation; for independent labels the mean over labels
    roc_auc: float | None  # mean over the labels that have one
    pr_auc: float | None
    labels: tuple[LabelScores, ...]
    confusion: NDArray[np.int64] | None  # [true label, predicted label]; None for independent labels


def decide(probabilities: Probabilities, *, multi_label: bool) -> Targets:
    """Which labels are said to hold where none has a threshold: the likeliest one, or every one from one half on."""
    if multi_label:
        return probabilities >= EVEN
    decided = np.zeros(probabilities.shape, dtype=np.bool_)
    decided[np.arange(len(decided)), probabilities.argmax(axis=1)] = True
    return decided


def macro_f1(targets: Targets, decided: Targets) -> float:
    """`Scores.macro.f1` alone: a label that never holds and is never said counts as 0."""
    hits, both = (targets & decided).sum(axis=0), targets.sum(axis=0) + decided.sum(axis=0)
    return float(np.where(both > 0, 2 * hits / np.maximum(both, 1), 0.0).mean())


def score(
    probabilities: Probabilities,
    targets: Targets,
    *,
    names: Sequence[str],
    multi_label: bool,
    decided: Targets | None = None,
) -> Scores:
    """Judge predictions: what they decide, and how they rank.

    Args:
        probabilities: [texts, labels].
        targets: [texts, labels].
        names: of the labels.
        multi_label: whether they are independent.
        decided: [texts, labels], what was said to hold; as `decide` says if None.
    """
    decided = decide(probabilities, multi_label=multi_label) if decided is None else decided
    scores = score_decisions(targets, decided, names=names, multi_label=multi_label)
    labels = tuple(_ranked(one, targets[:, i], probabilities[:, i]) for i, one in enumerate(scores.labels))
    return replace(
        scores,
        labels=labels,
        roc_auc=_mean([label.roc_auc for label in labels]),
        pr_auc=_mean([label.pr_auc for label in labels]),
    )


def score_decisions(targets: Targets, decided: Targets, *, names: Sequence[str], multi_label: bool) -> Scores:
    """Judge what was decided, where nothing is known of how sure it was.

    A label that is never said has precision 0, one that never holds recall 0.

    Args:
        targets: [texts, labels], True where the label holds.
        decided: [texts, labels], True where the model says so.
        names: of the labels.
        multi_label: whether they are independent.
    """
    precision, recall, f1, support = precision_recall_fscore_support(targets, decided, average=None, zero_division=0)
    true, said = targets.argmax(axis=1), decided.argmax(axis=1)
    return Scores(
        texts=len(targets),
        accuracy=float((targets == decided).all(axis=1).mean()),
        macro=_triple(targets, decided, average="macro"),
        micro=_triple(targets, decided, average="micro"),
        mcc=float(np.mean([_mcc(targets[:, i], decided[:, i]) for i in range(len(names))]))
        if multi_label
        else _mcc(true, said),
        roc_auc=None,
        pr_auc=None,
        labels=tuple(
            LabelScores(
                label=name,
                support=int(support[index]),
                scores=PrecisionRecallF1(float(precision[index]), float(recall[index]), float(f1[index])),
                roc_auc=None,
                pr_auc=None,
            )
            for index, name in enumerate(names)
        ),
        confusion=None if multi_label else confusion_matrix(true, said, labels=np.arange(len(names))),
    )


def _ranked(label: LabelScores, holds: NDArray[np.bool_], probability: NDArray[np.float32]) -> LabelScores:
    if not 0 < label.support < len(holds):
        return label
    return replace(
        label,
        roc_auc=float(roc_auc_score(holds, probability)),
        pr_auc=float(average_precision_score(holds, probability)),
    )


def _mcc(true: NDArray[np.generic], said: NDArray[np.generic]) -> float:
    if len(np.union1d(true, said)) == 1:  # nothing to correlate; sklearn says 0 too, but warns
        return 0.0
    return float(matthews_corrcoef(true, said))


def _triple(targets: Targets, decided: Targets, *, average: str) -> PrecisionRecallF1:
    precision, recall, f1, _ = precision_recall_fscore_support(targets, decided, average=average, zero_division=0)
    return PrecisionRecallF1(float(precision), float(recall), float(f1))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
