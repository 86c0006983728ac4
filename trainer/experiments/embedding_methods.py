"""The methods that put a head on the embeddings of the original encoder, which are computed once for all of them."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from textsieve.trainer.data.examples import Targets
from textsieve.trainer.data.label_descriptions import Descriptions
from textsieve.trainer.evaluation.scores import decide
from textsieve.trainer.experiments.experiment_data import MEGABYTE, Bench, Fold, FoldEmbeddings, Outcome
from textsieve.trainer.training.baselines import decide_sklearn, fit_sklearn, model_bytes
from textsieve.trainer.training.described_labels import Described, embed_descriptions
from textsieve.trainer.training.linear_probe import search
from textsieve.worker.inference.heads.zero_shot import mean_direction, zero_shot_head
from textsieve.worker.records import Embeddings

# of a frozen head for independent labels, or from a few texts of each, where a search is all cost: the middle of
# trainer.training.linear_probe.C_GRID
_C = 30.0
_MAX_ITERATIONS = 2000

_Decide = Callable[[Embeddings], Targets]


def head_outcome(method: str, fold: Fold, bench: Bench) -> Outcome:
    """Train one of `trainer.experiments.experiment_data.EMBEDDED` and answer.

    Raises:
        ConfigurationError: a label has no description where it needs one.
    """
    if fold.embeddings is None:
        raise ValueError(f"{method}: expected embeddings of the fold, got none")
    began = time.perf_counter()
    if method == "zero-shot":
        answer, learned = _zero_shot(fold, bench)
    elif method == "prototypes":
        answer, learned = _prototypes(fold, fold.embeddings)
    else:
        described = bench.descriptions if method == "frozen-described" else {}
        answer, learned = _frozen(fold, fold.embeddings, bench, described)
    trained = time.perf_counter()
    decided = answer(fold.embeddings.test)
    answered = time.perf_counter() - trained
    return Outcome(
        decided=decided,
        train_seconds=trained - began,
        messages_per_second=1 / (bench.embedding_seconds + answered / len(decided)),
        megabytes=bench.encoder_megabytes + learned / MEGABYTE,
    )


def _frozen(fold: Fold, known: FoldEmbeddings, bench: Bench, descriptions: Descriptions) -> tuple[_Decide, int]:
    if fold.train.multi_label:
        several = OneVsRestClassifier(LogisticRegression(C=_C, max_iter=_MAX_ITERATIONS))
        model: Any = fit_sklearn(several, known.train, fold.train, fold.names)
        return lambda embeddings: decide_sklearn(model, embeddings, labels=len(fold.names)), model_bytes(model)
    learned = Described(known.train, fold.train.labels, fold.train.groups)
    if descriptions:
        described = embed_descriptions(descriptions, fold.names, lambda texts: bench.embedder.predict(texts).embeddings)
        learned = described.plus(learned.embeddings, learned.labels, learned.groups)
    numbers = np.searchsorted(fold.names, learned.labels)
    if fold.few:
        model = LogisticRegression(C=_C, max_iter=_MAX_ITERATIONS).fit(learned.embeddings, numbers)
    else:
        model = search(learned.embeddings, numbers, seed=bench.recipe.seed, groups=learned.groups).best_estimator_
    return lambda embeddings: decide_sklearn(model, embeddings, labels=len(fold.names)), model_bytes(model)


def _prototypes(fold: Fold, known: FoldEmbeddings) -> tuple[_Decide, int]:
    targets = fold.train.targets(fold.names)
    means = np.stack([mean_direction(known.train[column]) for column in targets.T])  # [labels, dim]
    return lambda embeddings: decide(embeddings @ means.T, multi_label=False), means.nbytes


def _zero_shot(fold: Fold, bench: Bench) -> tuple[_Decide, int]:
    labels = {name: bench.descriptions[name] for name in fold.names}
    head = zero_shot_head(labels, bench.embedder, bench.settings)
    size = sum(part.nbytes for part in (head.weight, head.bias) if part is not None)
    return lambda embeddings: decide(head.logits(embeddings), multi_label=False), size
