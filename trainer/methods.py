"""The methods that are compared: train on one part of the texts, answer the other."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from trainer.baselines import BASELINES, decide_sklearn, fit_sklearn, make_baseline, model_bytes
from trainer.bundling import FitOptions
from trainer.examples import Examples, Targets
from trainer.fit import Progress, fit
from trainer.frozen import search
from trainer.originals import remembered
from trainer.reading import Columns
from trainer.recipe import Recipe
from trainer.writing import write_examples
from worker.inference.bundle import is_bundle, read_bundle
from worker.inference.decisions import given_labels
from worker.inference.loading import load_predictor
from worker.inference.predictor import Predictor
from worker.inference.sources import file_sha256
from worker.records import Embeddings
from worker.settings import ModelSettings

METHODS = (*BASELINES, "frozen", "fine-tuned", "fine-tuned-free", "zero-shot")

_C_SEVERAL = 30.0  # of a frozen head for independent labels: the middle of trainer.frozen.C_GRID
_TIMED_TEXTS = 256  # of the test part: enough to fill batches, few enough to be quick
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Fold:
    """What one method gets to see."""

    train: Examples
    test: Examples
    embeddings: "FoldEmbeddings | None"  # None where no method reads them
    names: tuple[str, ...]  # of the labels, sorted
    work: Path  # a folder of this fold's own


@dataclass(frozen=True, slots=True)
class FoldEmbeddings:
    """What the original encoder makes of the two parts."""

    train: Embeddings  # [texts, dim]
    test: Embeddings


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a method said about the test part, and what it cost."""

    decided: Targets  # [texts, labels]
    train_seconds: float | None  # None: done before, by an interrupted run
    messages_per_second: float
    megabytes: float  # of the model, encoder included


@dataclass(frozen=True, slots=True)
class Bench:
    """What all folds share."""

    embedder: Predictor  # the original encoder
    encoder_megabytes: float
    settings: ModelSettings
    recipe: Recipe
    descriptions: Mapping[str, tuple[str, ...]]  # of the labels, for zero-shot
    progress: Progress
    normalize: bool  # as the data was read


def run(method: str, fold: Fold, bench: Bench) -> Outcome:
    """Train and answer.

    Raises:
        ConfigurationError: the labels or the work folder do not fit.
        PredictorError: a model failed on the texts.
    """
    if method in BASELINES:
        return _baseline(method, fold, bench)
    if method == "frozen":
        return _frozen(fold, bench)
    if method == "zero-shot":
        return _zero_shot(fold, bench)
    keep = 0.0 if method == "fine-tuned-free" else bench.recipe.keep_embedding
    return _fine_tuned(method, fold, bench, replace(bench.recipe, keep_embedding=keep))


def _baseline(method: str, fold: Fold, bench: Bench) -> Outcome:
    recipe, multi_label = bench.recipe, fold.train.multi_label
    model = make_baseline(method, multi_label=multi_label, seed=recipe.seed, class_weights=recipe.class_weights)
    began = time.perf_counter()
    fit_sklearn(model, fold.train.texts, fold.train, fold.names)
    seconds = time.perf_counter() - began
    texts = fold.test.texts
    return Outcome(
        decided=decide_sklearn(model, texts, labels=len(fold.names)),
        train_seconds=seconds,
        messages_per_second=_speed(model.predict, texts),
        megabytes=model_bytes(model) / _MEGABYTE,
    )


def _frozen(fold: Fold, bench: Bench) -> Outcome:
    if fold.embeddings is None:
        raise ValueError("frozen: expected embeddings of the fold, came none")
    embeddings = fold.embeddings.train
    began = time.perf_counter()
    if fold.train.multi_label:
        several = OneVsRestClassifier(LogisticRegression(C=_C_SEVERAL, max_iter=2000))
        model: Any = fit_sklearn(several, embeddings, fold.train, fold.names)
    else:
        numbers = fold.train.targets(fold.names).argmax(axis=1)
        model = search(embeddings, numbers, seed=bench.recipe.seed).best_estimator_
    seconds = time.perf_counter() - began
    return Outcome(
        decided=decide_sklearn(model, fold.embeddings.test, labels=len(fold.names)),
        train_seconds=seconds,
        messages_per_second=_speed(
            lambda texts: model.predict(bench.embedder.predict(texts).embeddings), fold.test.texts
        ),
        megabytes=bench.encoder_megabytes + model_bytes(model) / _MEGABYTE,
    )


def _zero_shot(fold: Fold, bench: Bench) -> Outcome:
    labels = {name: bench.descriptions[name] for name in fold.names}
    predictor = load_predictor(bench.settings.model_copy(update={"labels": labels, "kind": "zero-shot"}))
    return _served(predictor, fold, seconds=0.0, megabytes=bench.encoder_megabytes)


def _fine_tuned(method: str, fold: Fold, bench: Bench, recipe: Recipe) -> Outcome:
    data, out = fold.work / "train.jsonl", fold.work / method
    write_examples(data, fold.train)  # the hash of the data in the bundle is that of this file
    depends_on = [asdict(recipe), bench.embedder.card.fingerprint, bench.normalize]
    version = hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()[:12]
    seconds = None
    if not _is_there(out, data, version):
        began, work = time.perf_counter(), out.with_name(f"{method}.work")
        _hand_over(fold, bench, work)
        options = FitOptions(
            path=data,
            columns=Columns(normalize=bench.normalize),
            out=out,
            name=method,
            version=version,
            data_name="",
            citation="",
            licence="",
            encoder=bench.settings,
            seed=recipe.seed,
            folds=2,
            recipe=recipe,
            validation=None,
            work=work,
        )
        fit(options, now=datetime.now(UTC), progress=bench.progress)
        seconds = time.perf_counter() - began
    predictor = load_predictor(bench.settings.model_copy(update={"path": str(out), "kind": "bundle"}))
    megabytes = sum(path.stat().st_size for path in out.glob("*.safetensors")) / _MEGABYTE
    return _served(predictor, fold, seconds=seconds, megabytes=megabytes)


def _hand_over(fold: Fold, bench: Bench, work: Path) -> None:
    """What the original encoder makes of the training texts is not computed again for every fold."""
    if fold.embeddings is None:
        return
    texts = fold.train.texts
    known = dict(zip(texts, fold.embeddings.train, strict=True))
    fingerprint = bench.embedder.card.fingerprint
    remembered(work, encoder=fingerprint, texts=texts, embed=lambda some: np.stack([known[text] for text in some]))


def _is_there(folder: Path, data: Path, version: str) -> bool:
    if not is_bundle(folder):
        return False
    manifest = read_bundle(folder).manifest
    return manifest.version == version and manifest.data.sha256 == file_sha256(data)


def _served(predictor: Predictor, fold: Fold, *, seconds: float | None, megabytes: float) -> Outcome:
    card, texts = predictor.card, fold.test.texts
    order = [card.labels.index(name) for name in fold.names]
    return Outcome(
        decided=given_labels(predictor.predict(texts).probabilities, card)[:, order],
        train_seconds=seconds,
        messages_per_second=_speed(predictor.predict, texts),
        megabytes=megabytes,
    )


def _speed(answer: Callable[[tuple[str, ...]], object], texts: tuple[str, ...]) -> float:
    timed = texts[:_TIMED_TEXTS]
    began = time.perf_counter()
    answer(timed)
    return len(timed) / (time.perf_counter() - began)
