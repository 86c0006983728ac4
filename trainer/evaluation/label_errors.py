"""Rows whose label is probably wrong."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from textsieve.trainer.data.examples import Examples
from textsieve.trainer.data.splits import folds
from textsieve.worker.records import Embeddings, Probabilities

_C = 30.0  # the middle of what cross-validation picks on embeddings of length 1 (trainer.training.linear_probe.C_GRID)
_FOLDS = 5
_MAX_ITERATIONS = 500


@dataclass(frozen=True, slots=True)
class LabelError:
    """A row to look at again."""

    line: int  # in the file
    given: str
    likely: str
    probability: float  # of the likely label, by a model that has not seen the row


def find_label_errors(examples: Examples, embeddings: Embeddings, *, seed: int) -> tuple[LabelError, ...]:
    """Rows that a model trained on the others is sure to be something else, the surest first.

    Sure means: at least as probable as that label is, on average, for the texts that carry it. Multi-label files are
    not looked at: an absent label may be a forgotten one or a true no.

    Args:
        examples: distinct texts.
        embeddings: [texts, dim].
        seed: of the folds.

    Reference:
        Northcutt, Jiang and Chuang, Confident Learning, JAIR 2021.
    """
    groups = examples.groups
    if examples.multi_label or (groups is not None and len(np.unique(groups)) < _FOLDS):
        return ()
    names = examples.label_names
    targets = examples.targets(names)
    probabilities = _out_of_fold(examples, embeddings, seed=seed)
    usual = (probabilities * targets).sum(axis=0) / targets.sum(axis=0)  # [labels]
    sure = np.where(targets | (probabilities < usual), 0.0, probabilities)  # [texts, labels]
    label_errors = [
        LabelError(
            line=examples.kept[index].line,
            given=examples.kept[index].labels[0],
            likely=names[int(sure[index].argmax())],
            probability=round(float(sure[index].max()), 4),
        )
        for index in np.flatnonzero((sure > probabilities[targets][:, None]).any(axis=1))
    ]
    return tuple(sorted(label_errors, key=lambda one: (-one.probability, one.line)))


def _out_of_fold(examples: Examples, embeddings: Embeddings, *, seed: int) -> Probabilities:
    names, labels = examples.label_names, examples.labels
    probabilities = np.zeros((len(labels), len(names)), dtype=np.float32)
    for part in folds(examples, count=_FOLDS, seed=seed):
        model = LogisticRegression(C=_C, max_iter=_MAX_ITERATIONS).fit(embeddings[part.train], labels[part.train])
        columns = np.searchsorted(names, model.classes_)  # a rare label may be absent from a training part
        probabilities[np.ix_(part.test, columns)] = model.predict_proba(embeddings[part.test])
    return probabilities
