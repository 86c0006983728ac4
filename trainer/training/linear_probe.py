"""The linear probe: logistic regression on the embeddings of an encoder that stays as it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier

from textsieve.trainer.data.examples import Groups, Labels, Targets
from textsieve.trainer.evaluation.cross_validation import ValidationReport, cross_validate, splitter
from textsieve.trainer.training.described_labels import LabelledEmbeddings
from textsieve.worker.records import Embeddings, Probabilities

# On rows of length 1 logits are small, so the useful strengths are high: below 1 the head underfits, and 1,000
# fits small sets perfectly. Log loss picks, because the product publishes probabilities, not only labels.
C_GRID = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
MIDDLE_C = 30.0  # of that grid: for independent labels, or few texts of each, where a search is all cost
INNER_FOLDS = 3  # for picking C; a third of the training part is enough to rank seven strengths
MAX_ITERATIONS = 2000  # L-BFGS ends after a few hundred at C = 1000; the default of 100 does not


class LinearProbe(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn ships no types
    """A classifier by scikit-learn's protocol whose inputs are embeddings.

    Args:
        c: inverse strength of regularisation; None: that of `C_GRID` with the least log loss in an inner
            cross-validation, `MIDDLE_C` for independent labels.
        seed: of the inner folds.
    """

    def __init__(self, c: float | None = None, *, seed: int = 0) -> None:
        self.c = c
        self.seed = seed

    def fit(self, embeddings: Embeddings, labels: Labels | NDArray[np.int64], *, groups: Groups | None = None) -> Self:
        """Fit.

        Args:
            embeddings: [texts, dim], rows of length 1.
            labels: [texts], or [texts, labels] of 0 and 1 where they are independent.
            groups: [texts], what stays together in the inner folds.
        """
        learned = embeddings.astype(np.float64)
        if labels.ndim > 1:
            several = OneVsRestClassifier(_regression(self.c or MIDDLE_C))
            self.model_: Any = several.fit(learned, labels)
        elif self.c is None:
            _, support = np.unique(labels, return_counts=True)
            inner = splitter(max(2, min(INNER_FOLDS, int(support.min()))), seed=self.seed, groups=groups)
            grid = GridSearchCV(_regression(), {"C": list(C_GRID)}, scoring="neg_log_loss", cv=inner)
            self.model_ = grid.fit(learned, labels, groups=groups).best_estimator_
        else:
            self.model_ = _regression(self.c).fit(learned, labels)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, embeddings: Embeddings) -> Labels | Targets:
        """The likeliest label of each text, or [texts, labels] where they are independent."""
        found: Labels | Targets = self.model_.predict(embeddings)
        return found

    def predict_proba(self, embeddings: Embeddings) -> Probabilities:
        """[texts, labels]."""
        found: Probabilities = self.model_.predict_proba(embeddings)
        return found

    @property
    def chosen_c(self) -> float:
        """The inverse strength that was fitted with, for exclusive labels."""
        return float(self.model_.C)

    def head(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weight [labels, dim] and bias [labels] of a linear head with the same probabilities, for exclusive labels.

        Two labels share one row in scikit-learn; a softmax over (-logit/2, logit/2) is its sigmoid.
        """
        weight, bias = self.model_.coef_, self.model_.intercept_  # [labels or 1, dim], [labels or 1]
        if len(weight) == 1:
            weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        return weight.astype(np.float32), bias.astype(np.float32)


@dataclass(frozen=True, slots=True)
class ValidatedProbe:
    """A probe that was fitted on everything, and how its like did in cross-validation."""

    probe: LinearProbe
    report: ValidationReport


@dataclass(frozen=True, slots=True)
class AugmentedEmbeddings:
    """Disguised forms of some texts: learned from beside them, never judged by."""

    embeddings: Embeddings  # [extra, dim]
    origins: NDArray[np.int64]  # [extra], position of the text that each disguises


def fit_linear_probe(
    embeddings: Embeddings,
    labels: Labels,
    *,
    folds: int,
    seed: int,
    groups: Groups | None = None,
    described: LabelledEmbeddings | None = None,
    extra: AugmentedEmbeddings | None = None,
    tick: Callable[[], None] = lambda: None,
) -> ValidatedProbe:
    """Judge by cross-validation, then fit the probe that is kept on everything.

    C is picked anew inside every training part, so no score has seen its test part.

    Args:
        embeddings: [texts, dim], rows of length 1.
        labels: [texts].
        folds: parts of the cross-validation.
        seed: of every shuffle: the same input gives the same probe.
        groups: [texts], what stays together in every split; None: each text alone.
        described: descriptions of the labels: more to learn from, in every fold, and never judged.
        extra: each is learned from wherever its text is; they have no part in picking C.
        tick: called `folds` + 1 times.

    Raises:
        ConfigurationError: too few labels or too few texts of one.
    """

    def fit_on(rows: NDArray[np.int64]) -> LinearProbe:
        lesson = LabelledEmbeddings(embeddings[rows], labels[rows], None if groups is None else groups[rows])
        if described is not None:
            lesson = described.plus(lesson.embeddings, lesson.labels, lesson.groups)
        probe = LinearProbe(seed=seed).fit(lesson.embeddings, lesson.labels, groups=lesson.groups)
        if extra is None:
            return probe
        known = np.isin(extra.origins, rows)
        learned = np.concatenate([lesson.embeddings, extra.embeddings[known]])
        given = np.concatenate([lesson.labels, labels[extra.origins[known]]])
        return LinearProbe(probe.chosen_c, seed=seed).fit(learned, given)

    def fit_and_predict(train: NDArray[np.int64], test: NDArray[np.int64]) -> Labels:
        predicted: Labels = np.asarray(fit_on(train).predict(embeddings[test]), dtype=np.str_)
        return predicted

    report = cross_validate(labels, fit_and_predict=fit_and_predict, folds=folds, seed=seed, groups=groups, tick=tick)
    probe = fit_on(np.arange(len(labels)))
    tick()
    return ValidatedProbe(probe, report)


def _regression(c: float = 1.0) -> Any:
    return LogisticRegression(C=c, max_iter=MAX_ITERATIONS)
