"""What a head scores on texts it was not trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support
from sklearn.model_selection import StratifiedKFold

from trainer.examples import Labels, Targets
from worker.errors import ConfigurationError
from worker.inference.bundle import Score

Rows = NDArray[np.int64]
FitAndPredict = Callable[[Rows, Rows], Labels]  # positions to train on, positions to answer -> labels of the latter

_LEAST_LABELS = 2


@dataclass(frozen=True, slots=True)
class Report:
    """Scores on texts not trained on; `metrics` has accuracy, macro_f1, and precision, recall and f1 of `<label>.`."""

    labels: tuple[str, ...]
    folds: int  # 0: one validation split
    support: tuple[int, ...]  # texts of each label that were judged
    metrics: dict[str, Score]
    confusion: NDArray[np.int64] | None  # [true label, predicted label], every text counted once; None: multi-label


def cross_validate(
    labels: Labels,
    *,
    fit_and_predict: FitAndPredict,
    folds: int,
    seed: int,
    tick: Callable[[], None] = lambda: None,
) -> Report:
    """Stratified k-fold: every text is predicted once, by a head that has not seen it.

    Args:
        labels: [texts].
        fit_and_predict: trains on the texts of the first positions and answers those of the second.
        folds: how many parts; at least 2.
        seed: of the shuffle.
        tick: called after every fold.

    Raises:
        ConfigurationError: as `require_enough`.
    """
    names, support = np.unique(labels, return_counts=True)
    require_enough(labels, folds=folds)
    splitter = StratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
    scores: list[dict[str, float]] = []
    confusion = np.zeros((len(names), len(names)), dtype=np.int64)
    for train, test in splitter.split(labels, labels):
        predicted = fit_and_predict(train, test)
        scores.append(score(labels[test], predicted, names=names))
        confusion += confusion_matrix(labels[test], predicted, labels=names)
        tick()
    return Report(
        labels=tuple(str(name) for name in names),
        folds=folds,
        support=tuple(int(count) for count in support),
        metrics={name: _summary([fold[name] for fold in scores]) for name in scores[0]},
        confusion=confusion,
    )


def require_enough(labels: Labels, *, folds: int) -> None:
    """Refuse what cannot be judged, before minutes are spent on embedding it.

    Raises:
        ConfigurationError: fewer than two labels, or a label with fewer texts than folds.
    """
    names, support = np.unique(labels, return_counts=True)
    if len(names) < _LEAST_LABELS:
        raise ConfigurationError(f"expected at least {_LEAST_LABELS} labels, came {len(names)}; check --label-column")
    if support.min() < folds:
        rarest = str(names[support.argmin()])
        raise ConfigurationError(
            f"label {rarest!r}: expected at least {folds} distinct texts, one for each fold, came {support.min()}; "
            "add examples, merge labels, or lower --folds"
        )


def score(true: Labels, predicted: Labels, *, names: Labels) -> dict[str, float]:
    """Accuracy, macro F1, and precision, recall and F1 of each label; a label never predicted has precision 0."""
    precision, recall, f1, _ = precision_recall_fscore_support(true, predicted, labels=names, zero_division=0)
    scores = {"accuracy": float(accuracy_score(true, predicted)), "macro_f1": float(np.mean(f1))}
    for index, name in enumerate(names):
        scores[f"{name}.precision"] = float(precision[index])
        scores[f"{name}.recall"] = float(recall[index])
        scores[f"{name}.f1"] = float(f1[index])
    return scores


def split_report(targets: Targets, decided: Targets, *, labels: tuple[str, ...], multi_label: bool) -> Report:
    """Scores on one validation split; the accuracy of independent labels is the share of texts with all of them right.

    Args:
        targets: [texts, labels], True where the label holds.
        decided: [texts, labels], True where the model says so.
        labels: the columns.
        multi_label: whether labels are independent.
    """
    precision, recall, f1, support = precision_recall_fscore_support(targets, decided, average=None, zero_division=0)
    metrics = {"accuracy": float((targets == decided).all(axis=1).mean()), "macro_f1": float(np.mean(f1))}
    for index, name in enumerate(labels):
        metrics |= {
            f"{name}.precision": float(precision[index]),
            f"{name}.recall": float(recall[index]),
            f"{name}.f1": float(f1[index]),
        }
    exclusive = None if multi_label else (targets.argmax(axis=1), decided.argmax(axis=1))
    return Report(
        labels=labels,
        folds=0,
        support=tuple(int(count) for count in support),
        metrics={name: Score(mean=round(value, 4), std=0.0) for name, value in metrics.items()},
        confusion=confusion_matrix(*exclusive, labels=np.arange(len(labels))) if exclusive else None,
    )


def _summary(values: Sequence[float]) -> Score:
    return Score(mean=round(float(np.mean(values)), 4), std=round(float(np.std(values)), 4))
