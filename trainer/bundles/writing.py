"""Writes a trained model as a bundle."""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from textsieve.trainer.bundles.encoder_files import save_encoder
from textsieve.trainer.bundles.model_card import Facts, FineTuningFacts, LinearProbeFacts, model_card
from textsieve.trainer.data.examples import Examples
from textsieve.trainer.evaluation.cross_validation import ValidationReport
from textsieve.trainer.training.config import HEAD_POOLING
from textsieve.worker.inference.bundle.encoder_source import source_of
from textsieve.worker.inference.bundle.manifest import EncoderReference, Manifest, TrainingData
from textsieve.worker.inference.bundle.writing import write_bundle
from textsieve.worker.inference.decisions import EVEN
from textsieve.worker.inference.model_folder.model_files import file_sha256, weights_sha256
from textsieve.worker.inference.networks.encoder import Encoder

_TWO = 2  # labels of which the rarer is the one looked for: spam among ham


@dataclass(frozen=True, slots=True)
class BundleOptions:
    """What a bundle is called, and what it learned from."""

    out: Path  # its folder
    name: str
    version: str
    data: Path  # the file of examples
    data_name: str
    normalized: bool  # disguised spelling of the texts was undone
    seed: int
    citation: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A head, how it was judged, and how it came about; a tuned or refined encoder is in the network."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    report: ValidationReport
    facts: Facts


def write_model(
    options: BundleOptions, model: TrainedModel, encoder: Encoder, examples: Examples, *, now: datetime
) -> Manifest:
    """Write the bundle: the head, the encoder's files where they are not those of a package, and the model card.

    Args:
        options: name, place and data.
        model: the head.
        encoder: what it reads; changed unless the model is a linear probe.
        examples: what was learned from.
        now: becomes `created`.

    Raises:
        ConfigurationError: the folder holds other files.
    """
    with ExitStack() as resources:
        if isinstance(model.facts, LinearProbeFacts):
            folder = encoder.folder
            reference = EncoderReference(source=source_of(encoder.weights_sha256), sha256=encoder.weights_sha256)
        else:
            folder = Path(resources.enter_context(save_encoder(encoder)))
            reference = EncoderReference(source="files", sha256=weights_sha256(folder))
        manifest = write_bundle(
            options.out,
            manifest=_manifest(options, model, encoder, examples, reference=reference, now=now),
            weight=model.weight,
            bias=model.bias,
            encoder_folder=folder if reference.source == "files" else None,
        )
    page = model_card(manifest, report=model.report, examples=examples, facts=model.facts, seed=options.seed)
    (options.out / "README.md").write_text(page, encoding="utf-8")
    return manifest


def _looked_for(examples: Examples) -> dict[str, float]:
    """The rarer of two exclusive labels, from one half on: of a long text one window with it is enough."""
    counts = Counter(row.labels[0] for row in examples.kept) if not examples.multi_label else Counter()
    rarest = min(counts, key=lambda label: (counts[label], label), default="")
    return {rarest: EVEN} if len(counts) == _TWO else {}


def _manifest(
    options: BundleOptions,
    model: TrainedModel,
    encoder: Encoder,
    examples: Examples,
    *,
    reference: EncoderReference,
    now: datetime,
) -> Manifest:
    tuned = isinstance(model.facts, FineTuningFacts)
    return Manifest(
        name=options.name,
        version=options.version,
        labels=model.report.labels,
        multi_label=examples.multi_label,
        pooling=encoder.pooling,
        head_pooling=HEAD_POOLING if tuned else None,
        max_tokens=encoder.max_tokens,
        prefix=encoder.files.prefix,
        temperature=model.facts.temperature if isinstance(model.facts, FineTuningFacts) else 1.0,
        thresholds=_looked_for(examples),
        metrics=model.report.metrics,
        data=TrainingData(
            name=options.data_name,
            sha256=file_sha256(options.data),
            citation=options.citation,
            licence=options.licence,
            rows=examples.rows,
            used_rows=len(examples.texts),
        ),
        encoder=reference,
        normalized=options.normalized,
        augmented=model.facts.augmented,
        created=now.isoformat(timespec="seconds"),
    )
