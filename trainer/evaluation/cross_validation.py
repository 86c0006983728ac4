"""What a bundle states of its head: its scores over folds, or on one validation split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from textsieve.trainer.data.examples import Groups, Labels, Targets
from textsieve.trainer.evaluation.scores import Scores, score_decisions
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.bundle.manifest import Score

Rows = NDArray[np.int64]
FitAndPredict = Callable[[Rows, Rows], Labels]  # positions to train on, positions to answer -> labels of the latter

_LEAST_LABELS = 2


@dataclass(frozen=True, slots=True)
class ValidationReport:
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
    groups: Groups | None = None,
    tick: Callable[[], None] = lambda: None,
) -> ValidationReport:
    """Stratified k-fold: every text is predicted once, by a head that has not seen it.

    Args:
        labels: [texts].
        fit_and_predict: trains on the texts of the first positions and answers those of the second.
        folds: how many parts; at least 2.
        seed: of the shuffle.
        groups: [texts], what stays together.
        tick: called after every fold.

    Raises:
        ConfigurationError: as `require_enough`.
    """
    names, numbers = np.unique(labels, return_inverse=True)
    require_enough(labels, folds=folds, groups=groups)
    one_hot = np.eye(len(names), dtype=np.bool_)
    scores = []
    for train, test in splitter(folds, seed=seed, groups=groups).split(labels, labels, groups):
        said = one_hot[np.searchsorted(names, fit_and_predict(train, test))]
        scores.append(score_decisions(one_hot[numbers[test]], said, names=names.tolist(), multi_label=False))
        tick()
    return _report(scores, folds=folds)


def splitter(folds: int, *, seed: int, groups: Groups | None) -> StratifiedKFold | StratifiedGroupKFold:
    """What cuts embeddings into folds with their labels in the same proportions, groups whole where there are some."""
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    return kind(n_splits=folds, shuffle=True, random_state=seed)


def require_enough(labels: Labels, *, folds: int, groups: Groups | None = None, part: str = "fold") -> None:
    """Refuse what cannot be judged, before minutes are spent on embedding it.

    Args:
        labels: [texts].
        folds: parts, each of which needs every label.
        groups: [texts], what stays together; None: every text alone.
        part: what the parts are; folds can be fewer.

    Raises:
        ConfigurationError: fewer than two labels, or a label with fewer texts (or groups) than folds.
    """
    names = np.unique(labels)
    if len(names) < _LEAST_LABELS:
        raise ConfigurationError(f"expected at least {_LEAST_LABELS} labels, got {len(names)}; check --label-column")
    what = "texts" if groups is None else "groups"
    counts = [
        int((labels == name).sum()) if groups is None else len(np.unique(groups[labels == name])) for name in names
    ]
    if min(counts) < folds:
        raise ConfigurationError(
            f"label {str(names[np.argmin(counts)])!r}: expected at least {folds} distinct {what}, one for each {part}, "
            f"got {min(counts)}; add examples or merge labels{', or lower --folds' if part == 'fold' else ''}"
        )


def report_on_split(
    targets: Targets, decided: Targets, *, labels: tuple[str, ...], multi_label: bool
) -> ValidationReport:
    """Scores on one validation split; the accuracy of independent labels is the share of texts with all of them right.

    Args:
        targets: [texts, labels], True where the label holds.
        decided: [texts, labels], True where the model says so.
        labels: the columns.
        multi_label: whether labels are independent.
    """
    return _report([score_decisions(targets, decided, names=labels, multi_label=multi_label)], folds=0)


def _report(parts: Sequence[Scores], *, folds: int) -> ValidationReport:
    flat = [_flat(part) for part in parts]
    confusions = [part.confusion for part in parts if part.confusion is not None]
    return ValidationReport(
        labels=tuple(str(label.label) for label in parts[0].labels),
        folds=folds,
        support=tuple(
            sum(counts) for counts in zip(*([one.support for one in part.labels] for part in parts), strict=True)
        ),
        metrics={name: _summary([part[name] for part in flat]) for name in flat[0]},
        confusion=np.sum(confusions, axis=0) if confusions else None,
    )


def _flat(scores: Scores) -> dict[str, float]:
    flat = {"accuracy": scores.accuracy, "macro_f1": scores.macro.f1}
    for label in scores.labels:
        one = label.scores
        flat |= {f"{label.label}.{name}": getattr(one, name) for name in ("precision", "recall", "f1")}
    return flat


def _summary(values: Sequence[float]) -> Score:
    return Score(mean=round(float(np.mean(values)), 4), std=round(float(np.std(values)), 4))
