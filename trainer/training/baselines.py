"""The classical methods that a transformer has to beat."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from textsieve.trainer.data.examples import Examples, Targets
from textsieve.trainer.training.config import ClassWeights

BASELINES = ("naive-bayes", "words-svm", "characters-svm")

_SMOOTHING = 0.1  # of naive Bayes: with short texts 1, the default, drowns what was counted


def make_baseline(name: str, *, multi_label: bool, seed: int, class_weights: ClassWeights = "none") -> Any:
    """A scikit-learn pipeline from texts to labels.

    Args:
        name: one of `BASELINES`: TF-IDF of words with naive Bayes; of words and pairs of words with a linear SVM; of
            2 to 5 characters within words with a linear SVM.
        multi_label: one classifier for each label.
        seed: of the SVM's order of texts.
        class_weights: of the SVMs; naive Bayes knows none.
    """
    balanced = "balanced" if class_weights == "balanced" else None
    svm = LinearSVC(random_state=seed, class_weight=balanced)
    if name == "naive-bayes":
        features, classifier = TfidfVectorizer(), MultinomialNB(alpha=_SMOOTHING)
    elif name == "words-svm":
        features, classifier = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), svm
    else:
        features = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        classifier = svm
    return make_pipeline(features, OneVsRestClassifier(classifier) if multi_label else classifier)


def sklearn_targets(examples: Examples, names: tuple[str, ...]) -> NDArray[np.int64]:
    """Labels as scikit-learn's classifiers take them: numbers [texts], or [texts, labels] where they are independent.

    Args:
        examples: their labels.
        names: of the labels, sorted.
    """
    targets = examples.targets(names)
    return np.asarray(targets.astype(np.int64) if examples.multi_label else targets.argmax(axis=1))


def decide_sklearn(model: Any, inputs: Any, *, labels: int) -> Targets:
    """What a fitted model says, [texts, labels]."""
    said = np.asarray(model.predict(inputs))
    if said.ndim > 1:
        return said.astype(np.bool_)
    decided: Targets = np.eye(labels, dtype=np.bool_)[said]
    return decided


def model_bytes(model: object) -> int:
    """The memory of what a fitted model of scikit-learn has learned: its arrays and its vocabulary."""
    if isinstance(model, np.ndarray):
        return model.nbytes
    if isinstance(model, dict):
        return sum(len(key.encode()) for key in model if isinstance(key, str)) + sum(map(model_bytes, model.values()))
    if isinstance(model, list | tuple):
        return sum(map(model_bytes, model))
    if isinstance(model, int | np.integer):
        return 8  # the number of a word
    return sum(map(model_bytes, vars(model).values())) if isinstance(model, BaseEstimator) else 0
