"""What the methods that are compared get to see, and what they answer."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from textsieve.trainer.data.examples import Examples, Targets
from textsieve.trainer.data.label_descriptions import Descriptions
from textsieve.trainer.fit import Progress
from textsieve.trainer.training.baselines import BASELINES
from textsieve.trainer.training.config import TrainingConfig
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.records import Embeddings
from textsieve.worker.settings import ModelSettings

DESCRIBED = ("frozen-described", "zero-shot")  # methods that read descriptions of the labels
EMBEDDED = ("frozen", "prototypes", *DESCRIBED)  # methods that read the embeddings of the original encoder
METHODS = (*BASELINES, *EMBEDDED, "fine-tuned", "fine-tuned-free")

MEGABYTE = 1_000_000
_TIMED_TEXTS = 256  # of the test part: enough to fill batches, few enough to be quick


@dataclass(frozen=True, slots=True)
class Method:
    """A way to get from texts to answers, and how many labelled texts it may see."""

    name: str
    kind: str  # one of METHODS
    shots: int | None  # of each label; None: all there are


@dataclass(frozen=True, slots=True)
class Fold:
    """What one method gets to see."""

    train: Examples
    test: Examples
    embeddings: "FoldEmbeddings | None"  # None where no method reads them
    names: tuple[str, ...]  # of the labels, sorted
    work: Path  # a folder of this fold's own
    few: bool = False  # only a few texts of each label were drawn for training


@dataclass(frozen=True, slots=True)
class FoldEmbeddings:
    """What the original encoder makes of the two parts."""

    train: Embeddings  # [texts, dim]
    test: Embeddings


@dataclass(frozen=True, slots=True)
class MethodResult:
    """What a method said about the test part, and what it cost."""

    decided: Targets  # [texts, labels]
    train_seconds: float | None  # None: done before, by an interrupted run
    messages_per_second: float
    megabytes: float  # of the model, encoder included


@dataclass(frozen=True, slots=True)
class ExperimentData:
    """What all folds share."""

    embedder: Predictor  # the original encoder
    embedding_seconds: float  # of one text by it; 0 where no method reads embeddings
    encoder_megabytes: float
    settings: ModelSettings
    config: TrainingConfig
    descriptions: Descriptions  # of the labels
    progress: Progress
    normalize: bool  # as the data was read


def named_method(name: str) -> Method:
    """The method of a name: `frozen` sees all training texts, `frozen-8` eight of each label."""
    kind, _, shots = name.rpartition("-")
    if shots.isdecimal() and int(shots) and kind != "zero-shot":
        return Method(name, kind, int(shots))
    return Method(name, name, None)


def sample_shots(fold: Fold, method: Method, *, draw: int, seed: Sequence[int]) -> Fold:
    """The fold as a method sees it: with so many training texts of each label, or all where there are fewer.

    Args:
        fold: with all its training texts.
        method: says how many; the first 8 of 16 are the 8 of the same draw.
        draw: its number.
        seed: of the draw.
    """
    if method.shots is None:
        return fold
    order = np.random.default_rng(seed).permutation(len(fold.train.kept))
    taken: Counter[tuple[str, ...]] = Counter()
    rows = []
    for row in order.tolist():
        labels = fold.train.kept[row].labels
        taken[labels] += 1
        if taken[labels] <= method.shots:
            rows.append(row)
    known = fold.embeddings
    return replace(
        fold,
        train=fold.train.pick(rows),
        embeddings=None if known is None else replace(known, train=known.train[rows]),
        work=fold.work / f"{method.name}-draw-{draw}",
        few=True,
    )


def texts_per_second(answer: Callable[[tuple[str, ...]], object], texts: tuple[str, ...]) -> float:
    """Texts in a second, from the first of them."""
    timed = texts[:_TIMED_TEXTS]
    began = time.perf_counter()
    answer(timed)
    return len(timed) / (time.perf_counter() - began)
