"""`trainer fit`: read, split, train, calibrate, evaluate, write, report."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import torch

from textsieve.trainer.bundles.model_card import Facts, FineTuningFacts, LinearProbeFacts
from textsieve.trainer.bundles.writing import BundleOptions, TrainedModel, write_model
from textsieve.trainer.data.augmentation import augment
from textsieve.trainer.data.embedded_examples import EmbeddedExamples
from textsieve.trainer.data.examples import Examples
from textsieve.trainer.data.label_descriptions import Descriptions, require_described
from textsieve.trainer.data.reading import Columns, read_examples
from textsieve.trainer.data.splits import require_disjoint
from textsieve.trainer.evaluation.calibration import fit_temperature, probabilities_of
from textsieve.trainer.evaluation.cross_validation import ValidationReport, report_on_split, require_enough
from textsieve.trainer.evaluation.label_errors import LabelError, find_label_errors
from textsieve.trainer.evaluation.scores import decide
from textsieve.trainer.training.checkpoints import Checkpoints
from textsieve.trainer.training.config import TrainingConfig
from textsieve.trainer.training.described_labels import embed_descriptions
from textsieve.trainer.training.embedding import embed
from textsieve.trainer.training.embedding_cache import clear_embedding_cache
from textsieve.trainer.training.fine_tuned_model import fine_tune, hold_out, require_no_dense
from textsieve.trainer.training.interruption import stop_on_signal
from textsieve.trainer.training.linear_probe import AugmentedEmbeddings, fit_linear_probe
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.bundle.manifest import Manifest
from textsieve.worker.inference.bundle.writing import require_writable
from textsieve.worker.inference.loading import load_embedder
from textsieve.worker.inference.networks.encoder import Encoder
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.settings import ModelSettings

Progress = Callable[[str, int, int], None]  # stage, steps done now, steps in all

_LEAST_VALIDATED = 2  # texts of each label: one for training, one for validation


@dataclass(frozen=True, slots=True)
class FitOptions:
    """What is trained on what."""

    columns: Columns
    bundle: BundleOptions
    encoder: ModelSettings
    folds: int  # of the linear probe's cross-validation
    config: TrainingConfig | None  # None: a linear probe, the encoder stays as it is
    work: Path  # checkpoints of fine-tuning
    validation: Path | None = None  # None: a share of the data
    descriptions: Descriptions = field(default_factory=dict)  # of the labels: more for a linear probe to learn from
    augment: float = 0.0  # share of the training texts that is also shown disguised


@dataclass(frozen=True, slots=True)
class Fitted:
    """A bundle that was written, and how it came about."""

    manifest: Manifest
    examples: Examples
    report: ValidationReport
    facts: Facts
    label_errors: tuple[LabelError, ...]
    truncated: int  # texts of which learning saw the beginning only


def fit(options: FitOptions, *, now: datetime, progress: Progress = lambda *_: None) -> Fitted:
    """Make a bundle from a file of labelled texts.

    Args:
        options: what to make.
        now: becomes `created`; nothing else depends on it.
        progress: told after every step of the stages `embed`, `fit` and `tune`.

    Raises:
        ConfigurationError: the data, the encoder, the work or the output folder does not fit.
        PredictorError: the encoder failed on the texts.
        KeyboardInterrupt: a signal asked to stop; the same call goes on from the work folder.
    """
    # read
    require_writable(options.bundle.out)
    examples = _read(options)
    validation = _read_validation(options, examples)
    torch.manual_seed(options.bundle.seed)  # parts of an encoder that its files leave out begin at random
    # texts are cut, not split: learning sees a text as one row, and the original embedding must be that row's
    predictor, encoder = load_embedder(options.encoder.model_copy(update={"max_windows": 1}))
    # split, train, calibrate, evaluate
    if options.config is None:
        embedded = _embed(predictor, examples, progress)
        model = _linear_probe(options, embedded, predictor, progress)
    else:
        require_no_dense(encoder)
        embedded = _embed(predictor, examples, progress, cache=options.work)
        if validation is None:
            train, held_out = hold_out(embedded, options.config)
        else:
            train, held_out = embedded, _embed(predictor, validation, progress, cache=options.work)
        model = _fine_tuned(options, options.config, encoder, train, held_out, progress)
    label_errors = find_label_errors(examples, embedded.embeddings, seed=options.bundle.seed)
    # write
    manifest = write_model(options.bundle, model, encoder, examples, now=now)
    if options.config is not None:
        clear_embedding_cache(options.work)  # the bundle is whole: nothing is left to go on with
        Checkpoints(options.work, identity="").remove()
    # report
    return Fitted(
        manifest=manifest,
        examples=examples,
        report=model.report,
        facts=model.facts,
        label_errors=label_errors,
        truncated=int(encoder.tokenizer.tokenize(examples.texts).truncated.sum()),
    )


def _read(options: FitOptions) -> Examples:
    """The examples; what cannot be trained on is refused before minutes are spent on it."""
    data = options.bundle.data
    examples = read_examples(data, options.columns)
    if not examples.kept:
        raise ConfigurationError(f"{data}: expected labelled texts, got none")
    if not examples.label_names:
        raise ConfigurationError(f"{data}: expected labels, got empty lists only; set --label-column")
    if options.descriptions:
        require_described(options.descriptions, examples.label_names)
    if options.config is None:
        require_enough(examples.labels, folds=options.folds, groups=examples.groups)
    elif not examples.multi_label:
        require_enough(examples.labels, folds=_LEAST_VALIDATED, part="part, training and validation")
    return examples


def _read_validation(options: FitOptions, examples: Examples) -> Examples | None:
    if options.validation is None:
        return None
    validation = read_examples(options.validation, options.columns)
    if not validation.kept or validation.multi_label > examples.multi_label:
        raise ConfigurationError(
            f"{options.validation}: expected texts labelled as in {options.bundle.data}, got others or none"
        )
    require_disjoint(examples, validation, name=str(options.validation))
    validation.targets(examples.label_names)  # a label that is not trained is refused
    return validation


def _embed(
    predictor: Predictor, examples: Examples, progress: Progress, *, cache: Path | None = None
) -> EmbeddedExamples:
    total = len(examples.kept)
    tick = lambda count: progress("embed", count, total)  # noqa: E731 - one line
    return EmbeddedExamples(examples, embed(predictor, examples.texts, cache=cache, tick=tick))


def _linear_probe(
    options: FitOptions, embedded: EmbeddedExamples, predictor: Predictor, progress: Progress
) -> TrainedModel:
    """Train, and evaluate by cross-validation; its probabilities need no calibration."""
    examples, seed = embedded.examples, options.bundle.seed
    described = None
    if options.descriptions:
        described = embed_descriptions(
            options.descriptions, examples.label_names, lambda texts: embed(predictor, texts)
        )
    shown = augment(examples, share=options.augment, seed=seed)
    found = fit_linear_probe(
        embedded.embeddings,
        examples.labels,
        folds=options.folds,
        seed=seed,
        groups=examples.groups,
        described=described,
        extra=AugmentedEmbeddings(embed(predictor, shown.texts), shown.origins) if shown.rows else None,
        tick=lambda: progress("fit", 1, options.folds + 1),
    )
    facts = LinearProbeFacts(
        c=found.probe.chosen_c,
        descriptions=0 if described is None else len(described.labels),
        augmented=len(shown.rows),
    )
    weight, bias = found.probe.head()
    return TrainedModel(weight, bias, found.report, facts)


def _fine_tuned(  # noqa: PLR0917 - what the steps before have made
    options: FitOptions,
    config: TrainingConfig,
    encoder: Encoder,
    train: EmbeddedExamples,
    held_out: EmbeddedExamples,
    progress: Progress,
) -> TrainedModel:
    shown = augment(train.examples, share=options.augment, seed=options.bundle.seed)
    # the embedding of a disguised form is held where that of its text was
    more = EmbeddedExamples(
        replace(train.examples, kept=train.examples.kept + shown.rows),
        np.concatenate([train.embeddings, train.embeddings[shown.origins]]),
    )
    # train
    with stop_on_signal() as stop:
        tuned = fine_tune(
            encoder,
            options.encoder,
            train=more,
            validation=held_out,
            config=config,
            work=options.work,
            tick=lambda steps, total: progress("tune", steps, total),
            stop=stop,
        )
    # calibrate
    multi_label, targets = train.examples.multi_label, held_out.examples.targets(tuned.labels)
    temperature = fit_temperature(tuned.logits, targets, multi_label=multi_label)
    # evaluate: the temperature changes no decision
    decided = decide(probabilities_of(tuned.logits, multi_label=multi_label), multi_label=multi_label)
    report = report_on_split(targets, decided, labels=tuned.labels, multi_label=multi_label)
    facts = FineTuningFacts(
        config=config,
        trained=len(train.examples.kept),
        validated=len(held_out.examples.kept),
        epochs=tuned.epochs,
        best=tuned.best,
        temperature=temperature,
        augmented=len(shown.rows),
    )
    return TrainedModel(tuned.weight / temperature, tuned.bias / temperature, report, facts)
