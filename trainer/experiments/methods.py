"""The methods that are compared: train on one part of the texts, answer the other."""

import hashlib
import json
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from textsieve.trainer.bundles.writing import FitOptions
from textsieve.trainer.data.reading import Columns
from textsieve.trainer.data.writing import write_examples
from textsieve.trainer.experiments.embedding_methods import head_outcome
from textsieve.trainer.experiments.experiment_data import EMBEDDED, MEGABYTE, Bench, Fold, Outcome, speed
from textsieve.trainer.fit import fit
from textsieve.trainer.training.baselines import BASELINES, decide_sklearn, fit_sklearn, make_baseline, model_bytes
from textsieve.trainer.training.config import Recipe
from textsieve.trainer.training.embedding_cache import remembered
from textsieve.worker.inference.bundle.reading import is_bundle, read_bundle
from textsieve.worker.inference.decisions import assigned_labels
from textsieve.worker.inference.loading import load_predictor
from textsieve.worker.inference.model_folder.model_files import file_sha256
from textsieve.worker.inference.predictor import Predictor


def run(method: str, fold: Fold, bench: Bench) -> Outcome:
    """Train and answer.

    Raises:
        ConfigurationError: the labels or the work folder do not fit.
        PredictorError: a model failed on the texts.
    """
    if method in BASELINES:
        return _baseline(method, fold, bench)
    if method in EMBEDDED:
        return head_outcome(method, fold, bench)
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
        messages_per_second=speed(model.predict, texts),
        megabytes=model_bytes(model) / MEGABYTE,
    )


def _fine_tuned(method: str, fold: Fold, bench: Bench, recipe: Recipe) -> Outcome:
    data, out = fold.work / "train.jsonl", fold.work / method
    columns = Columns(group=None if fold.train.groups is None else "group", normalize=bench.normalize)
    write_examples(data, fold.train, columns)  # the hash of the data in the bundle is that of this file
    depends_on = [asdict(recipe), bench.embedder.card.fingerprint, bench.normalize]
    version = hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()[:12]
    seconds = None
    if not _is_there(out, data, version):
        began, work = time.perf_counter(), out.with_name(f"{method}.work")
        _hand_over(fold, bench, work)
        options = FitOptions(
            path=data,
            columns=columns,
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
    megabytes = sum(path.stat().st_size for path in out.glob("*.safetensors")) / MEGABYTE
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
        decided=assigned_labels(predictor.predict(texts).probabilities, card)[:, order],
        train_seconds=seconds,
        messages_per_second=speed(predictor.predict, texts),
        megabytes=megabytes,
    )
