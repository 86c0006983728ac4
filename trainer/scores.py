"""Scores of predictions on texts the model was not trained on."""

import numpy as np
from sklearn.metrics import f1_score

from trainer.examples import Targets
from worker.records import Probabilities


def decide(probabilities: Probabilities, *, multi_label: bool) -> Targets:
    """Which labels are said to hold: the likeliest one, or every one above one half."""
    if multi_label:
        return probabilities > 0.5  # noqa: PLR2004 - a coin's
    decided = np.zeros(probabilities.shape, dtype=np.bool_)
    decided[np.arange(len(decided)), probabilities.argmax(axis=1)] = True
    return decided


def macro_f1(targets: Targets, decided: Targets) -> float:
    """The mean over labels of F1; a label that never holds and is never said counts as 0."""
    return float(f1_score(targets, decided, average="macro", zero_division=0))
