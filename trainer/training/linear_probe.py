"""The frozen head: logistic regression on the embeddings of an encoder that stays as it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from textsieve.trainer.data.examples import Groups, Labels
from textsieve.trainer.evaluation.cross_validation import Report, cross_validate, splitter
from textsieve.trainer.training.described_labels import Described
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.records import Embeddings

# On rows of length 1 logits are small, so the useful strengths are high: below 1 the head underfits, and 1,000
# fits small sets perfectly. Log loss picks, because the product publishes probabilities, not only labels.
C_GRID = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
INNER_FOLDS = 3  # for picking C; a third of the training part is enough to rank seven strengths
MAX_ITERATIONS = 2000  # L-BFGS ends after a few hundred at C = 1000; the default of 100 does not
EMBED_CHUNK = 256  # texts between two moves of the progress bar


@dataclass(frozen=True, slots=True)
class FrozenHead:
    """A trained head and how it was judged."""

    labels: tuple[str, ...]
    weight: NDArray[np.float32]  # [labels, dim]
    bias: NDArray[np.float32]  # [labels]
    c: float  # inverse strength of regularisation
    report: Report


def embed(predictor: Predictor, texts: Sequence[str], *, tick: Callable[[int], None] = lambda _: None) -> Embeddings:
    """[texts, dim], rows of length 1; `tick` is told after every chunk how many texts it had."""
    chunks = []
    for start in range(0, len(texts), EMBED_CHUNK):
        chunk = texts[start : start + EMBED_CHUNK]
        chunks.append(predictor.predict(chunk).embeddings)
        tick(len(chunk))
    return np.concatenate(chunks)


@dataclass(frozen=True, slots=True)
class Extra:
    """Disguised forms of some texts: learned from beside them, never judged by."""

    embeddings: Embeddings  # [extra, dim]
    origins: NDArray[np.int64]  # [extra], position of the text that each disguises


def fit_frozen(
    embeddings: Embeddings,
    labels: Labels,
    *,
    folds: int,
    seed: int,
    groups: Groups | None = None,
    described: Described | None = None,
    extra: Extra | None = None,
    tick: Callable[[], None] = lambda: None,
) -> FrozenHead:
    """Judge by cross-validation, then fit the head that is kept on everything.

    C is picked anew inside every training part, so no score has seen its test part.

    Args:
        embeddings: [texts, dim], rows of length 1.
        labels: [texts].
        folds: parts of the cross-validation.
        seed: of every shuffle: the same input gives the same head.
        groups: [texts], what stays together in every split; None: each text alone.
        described: descriptions of the labels: more to learn from, in every fold, and never judged.
        extra: each is learned from wherever its text is; they have no part in picking C.
        tick: called `folds` + 1 times.

    Raises:
        ConfigurationError: too few labels or too few texts of one.
    """

    def fit_on(rows: NDArray[np.int64]) -> Any:
        lesson = Described(embeddings[rows], labels[rows], None if groups is None else groups[rows])
        if described is not None:
            lesson = described.plus(lesson.embeddings, lesson.labels, lesson.groups)
        found = search(lesson.embeddings, lesson.labels, seed=seed, groups=lesson.groups).best_estimator_
        return found if extra is None else _refit(found, lesson, labels, rows, extra)

    def fit_and_predict(train: NDArray[np.int64], test: NDArray[np.int64]) -> Labels:
        predicted: Labels = fit_on(train).predict(embeddings[test])
        return predicted

    report = cross_validate(labels, fit_and_predict=fit_and_predict, folds=folds, seed=seed, groups=groups, tick=tick)
    found = fit_on(np.arange(len(labels)))
    tick()
    weight, bias = _rows_per_label(found)
    return FrozenHead(report.labels, weight, bias, c=float(found.C), report=report)


def _refit(found: Any, lesson: Described, labels: Labels, rows: NDArray[np.int64], extra: Extra) -> Any:
    """The same regression on what was learned from and on the disguised forms of its texts."""
    known = np.isin(extra.origins, rows)
    learned = np.concatenate([lesson.embeddings, extra.embeddings[known]]).astype(np.float64)
    given = np.concatenate([lesson.labels, labels[extra.origins[known]]])
    return LogisticRegression(C=found.C, max_iter=MAX_ITERATIONS).fit(learned, given)


def search(
    embeddings: Embeddings, labels: Labels | NDArray[np.int64], *, seed: int, groups: Groups | None = None
) -> Any:
    """The logistic regression whose C has the least log loss in an inner cross-validation, and that C.

    Args:
        embeddings: [texts, dim], rows of length 1.
        labels: [texts].
        seed: of the inner folds.
        groups: [texts], what stays together in them.
    """
    _, support = np.unique(labels, return_counts=True)
    inner = splitter(max(2, min(INNER_FOLDS, int(support.min()))), seed=seed, groups=groups)
    grid = GridSearchCV(
        LogisticRegression(max_iter=MAX_ITERATIONS), {"C": list(C_GRID)}, scoring="neg_log_loss", cv=inner
    )
    return grid.fit(embeddings.astype(np.float64), labels, groups=groups)


def _rows_per_label(model: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two labels share one row in sklearn; a softmax over (-logit/2, logit/2) is its sigmoid."""
    weight, bias = model.coef_, model.intercept_  # [labels or 1, dim], [labels or 1]
    if len(weight) == 1:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return weight.astype(np.float32), bias.astype(np.float32)
