"""Trains a model on a file of examples and writes it as a bundle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import torch

from textsieve.trainer.bundles.model_card import Facts, FrozenFacts, TunedFacts, card
from textsieve.trainer.bundles.writing import FitOptions, TrainedModel, write_model
from textsieve.trainer.data.augmentation import Disguised, show_disguised
from textsieve.trainer.data.examples import Examples
from textsieve.trainer.data.label_descriptions import require_described
from textsieve.trainer.data.reading import read_examples
from textsieve.trainer.data.splits import require_disjoint
from textsieve.trainer.evaluation.cross_validation import Report, require_enough
from textsieve.trainer.evaluation.label_errors import Suspect, find_suspects
from textsieve.trainer.training.checkpoints import Checkpoints
from textsieve.trainer.training.config import Recipe
from textsieve.trainer.training.described_labels import embed_descriptions
from textsieve.trainer.training.embedding_cache import forget, remembered
from textsieve.trainer.training.fine_tuned_model import Part, hold_out, require_no_dense, tune
from textsieve.trainer.training.interruption import asked_to_stop
from textsieve.trainer.training.linear_probe import Extra, embed, fit_frozen
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.bundle.manifest import Manifest
from textsieve.worker.inference.bundle.writing import require_writable
from textsieve.worker.inference.loading import load_embedder
from textsieve.worker.inference.networks.encoder import Encoder
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.records import Embeddings

Progress = Callable[[str, int, int], None]  # stage, steps done now, steps in all

_LEAST_VALIDATED = 2  # texts of each label: one for training, one for validation


@dataclass(frozen=True, slots=True)
class Fitted:
    """A bundle that was written, and how it came about."""

    manifest: Manifest
    examples: Examples
    report: Report
    facts: Facts
    suspects: tuple[Suspect, ...]
    truncated: int  # texts of which learning saw the beginning only


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
    if not examples.kept:
        raise ConfigurationError(f"{options.path}: expected labelled texts, got none")
    if not examples.label_names:
        raise ConfigurationError(f"{options.path}: expected labels, got empty lists only; set --label-column")
    validation = _given_validation(options, examples)
    if options.descriptions:
        require_described(options.descriptions, examples.label_names)
    if options.recipe is None:
        require_enough(examples.labels, folds=options.folds, groups=examples.groups)
    elif not examples.multi_label:
        require_enough(examples.labels, folds=_LEAST_VALIDATED, part="part, training and validation")
    torch.manual_seed(options.seed)  # parts of an encoder that its files leave out begin at random
    # texts are cut, not split: learning sees a text as one row, and the original embedding must be that row's
    predictor, encoder = load_embedder(options.encoder.model_copy(update={"max_windows": 1}))
    if options.recipe is not None:
        require_no_dense(encoder)
    everything = _embedded(options, predictor, examples, progress)
    if options.recipe is None:
        model = _frozen(options, everything, predictor, progress)
    else:
        given = None if validation is None else _embedded(options, predictor, validation, progress)
        model = _tuned(options, options.recipe, encoder, _parts(everything, given, options.recipe), progress)
    suspects = find_suspects(examples, everything.originals, seed=options.seed)
    manifest = write_model(options, model, encoder, examples, now=now)
    readme = card(manifest, report=model.report, examples=examples, facts=model.facts, seed=options.seed)
    (options.out / "README.md").write_text(readme, encoding="utf-8")
    if options.recipe is not None:
        forget(options.work)  # the bundle is whole: nothing is left to go on with
        Checkpoints(options.work, identity="").remove()
    return Fitted(
        manifest=manifest,
        examples=examples,
        report=model.report,
        facts=model.facts,
        suspects=suspects,
        truncated=int(encoder.tokenizer.tokenize(examples.texts).truncated.sum()),
    )


def _given_validation(options: FitOptions, examples: Examples) -> Examples | None:
    if options.validation is None:
        return None
    validation = read_examples(options.validation, options.columns)
    if not validation.kept or validation.multi_label > examples.multi_label:
        raise ConfigurationError(
            f"{options.validation}: expected texts labelled as in {options.path}, got others or none"
        )
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
    return hold_out(everything, recipe)


def _frozen(options: FitOptions, everything: Part, predictor: Predictor, progress: Progress) -> TrainedModel:
    names = everything.examples.label_names
    described = None
    if options.descriptions:
        described = embed_descriptions(options.descriptions, names, lambda texts: embed(predictor, texts))
    shown = _disguised(options, everything.examples)
    extra = Extra(embed(predictor, shown.texts), shown.origins) if shown.rows else None
    head = fit_frozen(
        everything.originals,
        everything.examples.labels,
        folds=options.folds,
        seed=options.seed,
        groups=everything.examples.groups,
        described=described,
        extra=extra,
        tick=lambda: progress("fit", 1, options.folds + 1),
    )
    facts = FrozenFacts(
        c=head.c, descriptions=0 if described is None else len(described.labels), augmented=len(shown.rows)
    )
    return TrainedModel(head.weight, head.bias, head.report, facts)


def _disguised(options: FitOptions, examples: Examples) -> Disguised:
    return show_disguised(examples, share=options.augment, seed=options.seed)


def _with(part: Part, shown: Disguised) -> Part:
    """The part and the disguised forms of its texts; their embeddings are held where those of the texts were."""
    kept = part.examples.kept + shown.rows
    return Part(replace(part.examples, kept=kept), np.concatenate([part.originals, part.originals[shown.origins]]))


def _tuned(
    options: FitOptions, recipe: Recipe, encoder: Encoder, parts: tuple[Part, Part], progress: Progress
) -> TrainedModel:
    train, validation = parts
    shown = _disguised(options, train.examples)
    with asked_to_stop() as stop:
        model = tune(
            encoder,
            options.encoder,
            train=_with(train, shown),
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
        augmented=len(shown.rows),
    )
    return TrainedModel(model.weight, model.bias, model.report, facts)
