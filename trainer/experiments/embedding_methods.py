"""The methods that put a head on the embeddings of the original encoder, which are computed once for all of them."""

import time
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from textsieve.trainer.data.examples import Groups
from textsieve.trainer.experiments.experiment_data import MEGABYTE, ExperimentData, Fold, FoldEmbeddings, MethodResult
from textsieve.trainer.training.baselines import decide_sklearn, model_bytes, sklearn_targets
from textsieve.trainer.training.described_labels import embed_descriptions
from textsieve.trainer.training.linear_probe import MIDDLE_C, LinearProbe
from textsieve.worker.inference.heads.zero_shot import mean_direction, zero_shot_head
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.records import Embeddings
from textsieve.worker.settings import ModelSettings

_Numbers = NDArray[np.int64]  # [texts], of labels


class Prototypes(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn ships no types
    """Gives the label whose mean embedding is nearest by cosine."""

    def fit(self, embeddings: Embeddings, numbers: _Numbers, *, groups: Groups | None = None) -> Self:  # noqa: ARG002 - they do not matter
        """Take the mean direction of each label's rows."""
        self.classes_ = np.unique(numbers)
        self.means_ = np.stack([mean_direction(embeddings[numbers == one]) for one in self.classes_])  # [labels, dim]
        return self

    def predict(self, embeddings: Embeddings) -> _Numbers:
        """The nearest label of each row."""
        return np.asarray(self.classes_[(embeddings @ self.means_.T).argmax(axis=1)])


class ZeroShot(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # as above
    """Gives the label whose description is nearest; learns from no text.

    Args:
        labels: label -> what it means.
        embedder: reads the descriptions.
        settings: temperature and least similarity.
    """

    def __init__(self, labels: dict[str, tuple[str, ...]], embedder: Predictor, settings: ModelSettings) -> None:
        self.labels, self.embedder, self.settings = labels, embedder, settings

    def fit(self, embeddings: Embeddings, numbers: _Numbers, *, groups: Groups | None = None) -> Self:  # noqa: ARG002 - as above
        """Embed the descriptions."""
        self.head_ = zero_shot_head(self.labels, self.embedder, self.settings)
        return self

    def predict(self, embeddings: Embeddings) -> _Numbers:
        """The nearest label of each row."""
        return np.asarray(self.head_.logits(embeddings).argmax(axis=1))


def embedding_method_result(method: str, fold: Fold, shared: ExperimentData) -> MethodResult:
    """Train one of `trainer.experiments.experiment_data.EMBEDDED` and answer.

    Raises:
        ConfigurationError: a label has no description where it needs one.
    """
    if fold.embeddings is None:
        raise ValueError(f"{method}: expected embeddings of the fold, got none")
    began = time.perf_counter()
    model = _classifier(method, fold, shared)
    if method == "frozen-described":
        _fit_described(model, fold, fold.embeddings, shared)
    else:
        model.fit(fold.embeddings.train, sklearn_targets(fold.train, fold.names), groups=fold.train.groups)
    trained = time.perf_counter()
    decided = decide_sklearn(model, fold.embeddings.test, labels=len(fold.names))
    answered = time.perf_counter() - trained
    learned = [model.head_.weight, model.head_.bias] if isinstance(model, ZeroShot) else model
    return MethodResult(
        decided=decided,
        train_seconds=trained - began,
        messages_per_second=1 / (shared.embedding_seconds + answered / len(decided)),
        megabytes=shared.encoder_megabytes + model_bytes(learned) / MEGABYTE,
    )


def _classifier(method: str, fold: Fold, shared: ExperimentData) -> Any:
    if method == "zero-shot":
        return ZeroShot({name: shared.descriptions[name] for name in fold.names}, shared.embedder, shared.settings)
    if method == "prototypes":
        return Prototypes()
    return LinearProbe(MIDDLE_C if fold.few else None, seed=shared.config.seed)


def _fit_described(model: LinearProbe, fold: Fold, known: FoldEmbeddings, shared: ExperimentData) -> None:
    """Learn from the descriptions of the labels beside the texts."""
    described = embed_descriptions(
        shared.descriptions, fold.names, lambda texts: shared.embedder.predict(texts).embeddings
    )
    lesson = described.plus(known.train, fold.train.labels, fold.train.groups)
    model.fit(lesson.embeddings, np.searchsorted(fold.names, lesson.labels), groups=lesson.groups)
