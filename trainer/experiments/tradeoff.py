"""Fine-tunes with the embedding held more and less, on the same folds and seeds: a long study, in pieces."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from textsieve.trainer.data.examples import Examples, Targets
from textsieve.trainer.data.splits import folds
from textsieve.trainer.experiments.runs import Answer, Groupings, attempt, keep, kept
from textsieve.trainer.fit import Progress
from textsieve.trainer.training.config import Recipe
from textsieve.trainer.training.embedding_cache import remembered
from textsieve.trainer.training.fine_tuned_model import Part
from textsieve.trainer.training.linear_probe import embed
from textsieve.worker.inference.loading import load_embedder
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.records import Embeddings
from textsieve.worker.settings import ModelSettings


@dataclass(frozen=True, slots=True)
class Study:
    """What is tried on what."""

    examples: Examples  # a part of them is learned, the other answered
    groupings: Groupings
    weights: tuple[float, ...]  # of the term that holds the embedding
    seeds: tuple[int, ...]  # of training
    folds: int
    run_folds: tuple[int, ...]  # which of them
    encoder: ModelSettings
    recipe: Recipe  # its seed cuts the folds; weight and seed of each attempt are its own
    work: Path


@dataclass(frozen=True, slots=True)
class Answers:
    """All that were asked for."""

    targets: Targets  # [texts, labels], of the folds that were run, one after the other
    attempts: Mapping[float, Mapping[int, tuple[Answer, ...]]]  # weight -> seed -> one for each of these folds
    original_nmi: Mapping[str, tuple[float, ...]]  # of the encoder before training, as in Answer


def answer_all(study: Study, *, progress: Progress = lambda *_: None) -> Answers:
    """Make the attempts that are missing.

    Raises:
        ConfigurationError: labels, encoder or work folder do not fit.
        PredictorError: the encoder failed on the texts.
        KeyboardInterrupt: a signal asked to stop; the same call goes on from the work folder.
    """
    embedder, encoder = load_embedder(study.encoder)
    everything = Part(study.examples, _embeddings(study, study.examples, embedder, progress))
    cuts = folds(study.examples, count=study.folds, seed=study.recipe.seed)
    total = len(study.run_folds) * len(study.seeds) * len(study.weights)
    found: dict[float, dict[int, tuple[Answer, ...]]] = {
        weight: dict.fromkeys(study.seeds, ()) for weight in study.weights
    }
    for fold, seed, weight in product(study.run_folds, study.seeds, study.weights):
        path = _path(study, encoder.fingerprint, fold=fold, seed=seed, weight=weight)
        answer = kept(path)
        if answer is None:
            answer = attempt(
                everything.pick(cuts[fold].train),
                everything.pick(cuts[fold].test),
                groupings=study.groupings,
                encoder=study.encoder,
                recipe=replace(study.recipe, keep_embedding=weight, seed=seed),
                work=path.with_suffix(".work"),
                progress=progress,
            )
            keep(path, answer)
        found[weight][seed] += (answer,)
        progress("attempts", 1, total)
    names = study.examples.label_names
    return Answers(
        targets=np.concatenate([study.examples.pick(cuts[fold].test).targets(names) for fold in study.run_folds]),
        attempts=found,
        original_nmi={
            name: study.groupings.nmi(name, _embeddings(study, examples, embedder, progress))
            for name, examples in study.groupings.examples.items()
        },
    )


def finished_folds(study: Study) -> tuple[int, ...]:
    """Those of the folds whose attempts have all been made.

    Raises:
        ConfigurationError: the encoder is missing or broken.
    """
    fingerprint = load_embedder(study.encoder)[1].fingerprint
    cells = list(product(study.seeds, study.weights))
    return tuple(
        fold
        for fold in study.run_folds
        if all(_path(study, fingerprint, fold=fold, seed=seed, weight=weight).is_file() for seed, weight in cells)
    )


def _embeddings(study: Study, examples: Examples, embedder: Predictor, progress: Progress) -> Embeddings:
    total = sum(len(read.kept) for read in (study.examples, *study.groupings.examples.values()))
    return remembered(
        study.work,
        encoder=embedder.card.fingerprint,
        texts=examples.texts,
        embed=lambda some: embed(embedder, some, tick=lambda count: progress("embed", count, total)),
    )


def _path(study: Study, fingerprint: str, *, fold: int, seed: int, weight: float) -> Path:
    """Where an answer is kept; the name changes with whatever the answer depends on."""
    read = [study.examples, *study.groupings.examples.values()]
    parts = [
        [[[row.shown, row.labels, row.group] for row in examples.kept] for examples in read],
        [*study.groupings.examples, study.groupings.seeds],
        study.folds,
        asdict(study.recipe),
        fingerprint,
    ]
    identity = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
    return study.work / f"fold-{fold}" / f"seed-{seed}-keep-{weight:g}-{identity}.json"
