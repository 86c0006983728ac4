"""Fits a head to a file of examples and writes it as a bundle."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from trainer.cards import card
from trainer.examples import Examples, read_examples
from trainer.frozen import FrozenHead, embed, fit_frozen
from trainer.report import require_enough
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
from worker.inference.sources import PACKAGE_SHA256, file_sha256
from worker.settings import ModelSettings

Progress = Callable[[str, int, int], None]  # stage, steps done now, steps in all


@dataclass(frozen=True, slots=True)
class FitOptions:
    """What a bundle is made of."""

    path: Path  # CSV or JSONL
    out: Path  # the bundle's folder
    name: str
    version: str
    text_column: str
    label_column: str
    data_name: str
    citation: str
    licence: str
    encoder: ModelSettings
    folds: int
    seed: int


@dataclass(frozen=True, slots=True)
class Fitted:
    """A bundle that was written, and how it came about."""

    manifest: Manifest
    head: FrozenHead
    examples: Examples


def fit(options: FitOptions, *, now: datetime, progress: Progress = lambda *_: None) -> Fitted:
    """Read, embed, judge, fit, write.

    Args:
        options: what to make.
        now: becomes `created`; nothing else depends on it.
        progress: told after every step of the stages `embed` and `fit`.

    Raises:
        ConfigurationError: the data, the encoder or the output folder does not fit.
        PredictorError: the encoder failed on the texts.
    """
    require_writable(options.out)
    examples = read_examples(options.path, text_column=options.text_column, label_column=options.label_column)
    labels = np.asarray(examples.labels)
    require_enough(labels, folds=options.folds)
    predictor, encoder = load_embedder(options.encoder)
    total = len(examples.texts)
    embeddings = embed(predictor, examples.texts, tick=lambda count: progress("embed", count, total))
    head = fit_frozen(
        embeddings,
        labels,
        folds=options.folds,
        seed=options.seed,
        tick=lambda: progress("fit", 1, options.folds + 1),
    )
    source = _source(encoder)
    manifest = write_bundle(
        options.out,
        manifest=_manifest(options, head=head, encoder=encoder, source=source, examples=examples, now=now),
        weight=head.weight,
        bias=head.bias,
        encoder_folder=None if source == PACKAGE_SOURCE else encoder.folder,
    )
    readme = card(manifest, report=head.report, examples=examples, c=head.c, seed=options.seed)
    (options.out / "README.md").write_text(readme, encoding="utf-8")
    return Fitted(manifest=manifest, head=head, examples=examples)


def _source(encoder: Encoder) -> EncoderSource:
    return PACKAGE_SOURCE if encoder.weights_sha256 == PACKAGE_SHA256 else "files"


def _manifest(
    options: FitOptions,
    *,
    head: FrozenHead,
    encoder: Encoder,
    source: EncoderSource,
    examples: Examples,
    now: datetime,
) -> Manifest:
    return Manifest(
        name=options.name,
        version=options.version,
        labels=head.labels,
        multi_label=False,
        pooling=encoder.pooling,
        max_tokens=encoder.max_tokens,
        thresholds={},
        metrics=head.report.metrics,
        data=TrainingData(
            name=options.data_name,
            sha256=file_sha256(options.path),
            citation=options.citation,
            licence=options.licence,
            rows=examples.rows,
            used_rows=len(examples.texts),
        ),
        encoder=EncoderReference(source=source, sha256=encoder.weights_sha256),
        created=now.isoformat(timespec="seconds"),
    )
