"""Trains a model on a file of examples and writes it as a bundle."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.cards import FrozenFacts, TunedFacts, card
from trainer.checkpoints import Checkpoints
from trainer.examples import Examples
from trainer.frozen import embed, fit_frozen
from trainer.interruption import asked_to_stop
from trainer.originals import forget, remembered
from trainer.reading import Columns, read_examples
from trainer.recipe import Recipe
from trainer.report import Report, require_enough
from trainer.splits import require_disjoint, split
from trainer.suspects import Suspect, find_suspects
from trainer.tuned import HEAD_POOLING, Part, save_encoder, tune
from worker.inference.bundle import (
    PACKAGE_SOURCE,
    EncoderReference,
    EncoderSource,
    Manifest,
    TrainingData,
    require_writable,
    write_bundle,
)
from worker.inference.encoder import Encoder
from worker.inference.loading import load_embedder
from worker.inference.predictor import Predictor
from worker.inference.sources import PACKAGE_SHA256, file_sha256, weights_sha256
from worker.records import Embeddings
from worker.settings import ModelSettings

Progress = Callable[[str, int, int], None]  # stage, steps done now, steps in all

_LEAST_VALIDATED = 2  # texts of each label: one for training, one for validation


@dataclass(frozen=True, slots=True)
class FitOptions:
    """What a bundle is made of."""

    path: Path  # CSV or JSONL
    columns: Columns
    out: Path  # the bundle's folder
    name: str
    version: str
    data_name: str
    citation: str
    licence: str
    encoder: ModelSettings
    seed: int
    folds: int  # of the frozen head's cross-validation
    recipe: Recipe | None  # None: the encoder stays frozen
    validation: Path | None  # None: a share of the data
    work: Path  # checkpoints of fine-tuning


@dataclass(frozen=True, slots=True)
class Fitted:
    """A bundle that was written, and how it came about."""

    manifest: Manifest
    examples: Examples
    report: Report
    facts: FrozenFacts | TunedFacts
    suspects: tuple[Suspect, ...]


@dataclass(frozen=True, slots=True)
class _Model:
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    report: Report
    facts: FrozenFacts | TunedFacts


def fit(options: FitOptions, *, now: datetime, progress: Progress = lambda *_: None) -> Fitted:
    """Read, embed, train, judge, write.

    Args:
        options: what to make.
        now: becomes `created`; nothing else depends on it.
        progress: told after every step of the stages `embed`, `fit` and `tune`.

    Raises:
        ConfigurationError: the data, the encoder, the work or the output folder does not fit.
        PredictorError: the encoder failed on the texts.
        KeyboardInterrupt: a signal asked to stop; the same call goes on from the work folder.
    """
    require_writable(options.out)
    examples = read_examples(options.path, options.columns)
    validation = _given_validation(options, examples)
    if options.recipe is None:
        require_enough(examples.labels, folds=options.folds)
    elif not examples.multi_label:
        require_enough(examples.labels, folds=_LEAST_VALIDATED)
    torch.manual_seed(options.seed)  # parts of an encoder that its files leave out begin at random
    predictor, encoder = load_embedder(options.encoder)
    everything = _embedded(options, predictor, examples, progress)
    if options.recipe is None:
        model = _frozen(options, everything, progress)
    else:
        given = None if validation is None else _embedded(options, predictor, validation, progress)
        model = _tuned(options, options.recipe, encoder, _parts(everything, given, options.recipe), progress)
    suspects = find_suspects(examples, everything.originals, seed=options.seed)
    manifest = _write(options, model, encoder, examples, now=now)
    readme = card(manifest, report=model.report, examples=examples, facts=model.facts, seed=options.seed)
    (options.out / "README.md").write_text(readme, encoding="utf-8")
    if options.recipe is not None:
        forget(options.work)  # the bundle is whole: nothing is left to go on with
        Checkpoints(options.work, identity="").remove()
    return Fitted(manifest=manifest, examples=examples, report=model.report, facts=model.facts, suspects=suspects)


def _given_validation(options: FitOptions, examples: Examples) -> Examples | None:
    if options.validation is None:
        return None
    validation = read_examples(options.validation, options.columns)
    require_disjoint(examples, validation, name=str(options.validation))
    validation.targets(examples.label_names)  # a label that is not trained is refused before the minutes are spent
    return validation


def _embedded(options: FitOptions, predictor: Predictor, examples: Examples, progress: Progress) -> Part:
    texts = examples.texts

    def embed_some(some: Sequence[str]) -> Embeddings:
        return embed(predictor, some, tick=lambda count: progress("embed", count, len(texts)))

    if options.recipe is None:
        return Part(examples, embed_some(texts))
    fingerprint = predictor.card.fingerprint
    return Part(examples, remembered(options.work, encoder=fingerprint, texts=texts, embed=embed_some))


def _parts(everything: Part, validation: Part | None, recipe: Recipe) -> tuple[Part, Part]:
    if validation is not None:
        return everything, validation
    cut = split(everything.examples, share=recipe.validation, seed=recipe.seed)
    train, held_out = (
        Part(everything.examples.pick(rows), everything.originals[rows]) for rows in (cut.train, cut.test)
    )
    return train, held_out


def _frozen(options: FitOptions, everything: Part, progress: Progress) -> _Model:
    head = fit_frozen(
        everything.originals,
        everything.examples.labels,
        folds=options.folds,
        seed=options.seed,
        tick=lambda: progress("fit", 1, options.folds + 1),
    )
    return _Model(head.weight, head.bias, head.report, FrozenFacts(c=head.c))


def _tuned(
    options: FitOptions, recipe: Recipe, encoder: Encoder, parts: tuple[Part, Part], progress: Progress
) -> _Model:
    train, validation = parts
    with asked_to_stop() as stop:
        model = tune(
            encoder,
            options.encoder,
            train=train,
            validation=validation,
            recipe=recipe,
            work=options.work,
            tick=lambda steps, total: progress("tune", steps, total),
            stop=stop,
        )
    facts = TunedFacts(
        recipe=recipe,
        trained=len(train.examples.kept),
        validated=len(validation.examples.kept),
        epochs=model.epochs,
        best=model.best,
        temperature=model.temperature,
    )
    return _Model(model.weight, model.bias, model.report, facts)


def _write(options: FitOptions, model: _Model, encoder: Encoder, examples: Examples, *, now: datetime) -> Manifest:
    with ExitStack() as resources:
        if isinstance(model.facts, TunedFacts):
            folder = Path(resources.enter_context(save_encoder(encoder)))
            reference = EncoderReference(source="files", sha256=weights_sha256(folder))
        else:
            folder = encoder.folder
            reference = EncoderReference(source=_source(encoder), sha256=encoder.weights_sha256)
        return write_bundle(
            options.out,
            manifest=_manifest(options, model, encoder, examples, reference=reference, now=now),
            weight=model.weight,
            bias=model.bias,
            encoder_folder=None if reference.source == PACKAGE_SOURCE else folder,
        )


def _source(encoder: Encoder) -> EncoderSource:
    return PACKAGE_SOURCE if encoder.weights_sha256 == PACKAGE_SHA256 else "files"


def _manifest(
    options: FitOptions,
    model: _Model,
    encoder: Encoder,
    examples: Examples,
    *,
    reference: EncoderReference,
    now: datetime,
) -> Manifest:
    tuned = isinstance(model.facts, TunedFacts)
    return Manifest(
        name=options.name,
        version=options.version,
        labels=model.report.labels,
        multi_label=examples.multi_label,
        pooling=encoder.pooling,
        head_pooling=HEAD_POOLING if tuned else None,
        max_tokens=encoder.max_tokens,
        temperature=model.facts.temperature if isinstance(model.facts, TunedFacts) else 1.0,
        thresholds={},
        metrics=model.report.metrics,
        data=TrainingData(
            name=options.data_name,
            sha256=file_sha256(options.path),
            citation=options.citation,
            licence=options.licence,
            rows=examples.rows,
            used_rows=len(examples.texts),
        ),
        encoder=reference,
        created=now.isoformat(timespec="seconds"),
    )
