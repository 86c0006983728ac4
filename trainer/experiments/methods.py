"""The methods that are compared: train on one part of the texts, answer the other."""

import hashlib
import json
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from textsieve.trainer.bundles.writing import BundleOptions
from textsieve.trainer.data.reading import Columns
from textsieve.trainer.data.writing import write_examples
from textsieve.trainer.experiments.embedding_methods import embedding_method_result
from textsieve.trainer.experiments.experiment_data import (
    EMBEDDED,
    MEGABYTE,
    ExperimentData,
    Fold,
    MethodResult,
    texts_per_second,
)
from textsieve.trainer.fit import FitOptions, fit
from textsieve.trainer.training.baselines import BASELINES, decide_sklearn, make_baseline, model_bytes, sklearn_targets
from textsieve.trainer.training.config import TrainingConfig
from textsieve.trainer.training.embedding_cache import cached_embeddings
from textsieve.trainer.training.own_classifier import is_own, make_own_classifier
from textsieve.worker.inference.bundle.reading import is_bundle, read_bundle
from textsieve.worker.inference.decisions import assigned_labels
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.inference.model_folder.model_files import file_sha256
from textsieve.worker.inference.predictor import Predictor


def run(method: str, fold: Fold, shared: ExperimentData) -> MethodResult:
    """Train and answer.

    Raises:
        ConfigurationError: the labels or the work folder do not fit.
        PredictorError: a model failed on the texts.
    """
    if method in BASELINES or is_own(method):
        return _of_texts(method, fold, shared)
    if method in EMBEDDED:
        return embedding_method_result(method, fold, shared)
    keep = 0.0 if method == "fine-tuned-free" else shared.config.keep_embedding
    return _fine_tuned(method, fold, shared, replace(shared.config, keep_embedding=keep))


def _of_texts(method: str, fold: Fold, shared: ExperimentData) -> MethodResult:
    config, multi_label = shared.config, fold.train.multi_label
    model = (
        make_own_classifier(method)
        if is_own(method)
        else make_baseline(method, multi_label=multi_label, seed=config.seed, class_weights=config.class_weights)
    )
    began = time.perf_counter()
    model.fit(fold.train.texts, sklearn_targets(fold.train, fold.names))
    seconds = time.perf_counter() - began
    texts = fold.test.texts
    return MethodResult(
        decided=decide_sklearn(model, texts, labels=len(fold.names)),
        train_seconds=seconds,
        messages_per_second=texts_per_second(model.predict, texts),
        megabytes=model_bytes(model) / MEGABYTE,
    )


def _fine_tuned(method: str, fold: Fold, shared: ExperimentData, config: TrainingConfig) -> MethodResult:
    data, out = fold.work / "train.jsonl", fold.work / method
    columns = Columns(group=None if fold.train.groups is None else "group", normalize=shared.normalize)
    write_examples(data, fold.train, columns)  # the hash of the data in the bundle is that of this file
    depends_on = [asdict(config), shared.embedder.card.fingerprint, shared.normalize]
    version = hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()[:12]
    seconds = None
    if not _is_there(out, data, version):
        began, work = time.perf_counter(), out.with_name(f"{method}.work")
        _hand_over(fold, shared, work)
        options = FitOptions(
            columns=columns,
            bundle=BundleOptions(
                out=out,
                name=method,
                version=version,
                data=data,
                data_name="",
                normalized=shared.normalize,
                seed=config.seed,
            ),
            encoder=shared.settings,
            folds=2,
            config=config,
            work=work,
        )
        fit(options, now=datetime.now(UTC), progress=shared.progress)
        seconds = time.perf_counter() - began
    predictor = load_predictor(shared.settings.model_copy(update={"path": str(out), "kind": "bundle"}))
    megabytes = sum(path.stat().st_size for path in out.glob("*.safetensors")) / MEGABYTE
    return _served(predictor, fold, seconds=seconds, megabytes=megabytes)


def _hand_over(fold: Fold, shared: ExperimentData, work: Path) -> None:
    """What the original encoder makes of the training texts is not computed again for every fold."""
    if fold.embeddings is None:
        return
    texts = fold.train.texts
    known = dict(zip(texts, fold.embeddings.train, strict=True))
    fingerprint = shared.embedder.card.fingerprint
    cached_embeddings(
        work, encoder=fingerprint, texts=texts, embed=lambda some: np.stack([known[text] for text in some])
    )


def _is_there(folder: Path, data: Path, version: str) -> bool:
    if not is_bundle(folder):
        return False
    manifest = read_bundle(folder).manifest
    return manifest.version == version and manifest.data.sha256 == file_sha256(data)


def _served(predictor: Predictor, fold: Fold, *, seconds: float | None, megabytes: float) -> MethodResult:
    card, texts = predictor.card, fold.test.texts
    order = [card.labels.index(name) for name in fold.names]
    return MethodResult(
        decided=assigned_labels(predictor.predict(texts).probabilities, card)[:, order],
        train_seconds=seconds,
        messages_per_second=texts_per_second(predictor.predict, texts),
        megabytes=megabytes,
    )
