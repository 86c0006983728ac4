"""From a file of labelled texts to clusters of their embeddings, judged."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from textsieve.trainer.bundles.dec_bundle import refine, write_refined
from textsieve.trainer.bundles.model_card import RefinedFacts
from textsieve.trainer.bundles.writing import FitOptions
from textsieve.trainer.clustering.choose_k import suggest, try_all
from textsieve.trainer.clustering.dec import Refinement
from textsieve.trainer.clustering.online import Stream
from textsieve.trainer.clustering.results import Chosen, Embedded, Grouped, group, regroup
from textsieve.trainer.clustering.scores import Method, default_seed_texts
from textsieve.trainer.data.examples import Examples
from textsieve.trainer.data.reading import Columns, read_examples
from textsieve.trainer.data.sampling import sampled
from textsieve.trainer.evaluation.cross_validation import require_enough
from textsieve.trainer.fit import Progress
from textsieve.trainer.training.embedding_cache import remembered
from textsieve.trainer.training.fine_tuned_model import Part, require_no_dense
from textsieve.trainer.training.interruption import asked_to_stop
from textsieve.trainer.training.linear_probe import embed
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.bundle.writing import require_writable
from textsieve.worker.inference.loading import load_embedder
from textsieve.worker.inference.networks.encoder import Encoder
from textsieve.worker.inference.predictor import Predictor
from textsieve.worker.settings import ModelSettings

_HEAD_FOLDS = 5  # of the cross-validation of the head beside a refined encoder
_LEAST = 2  # clusters


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """What is clustered, and how."""

    path: Path
    columns: Columns  # its slice is the topic whose texts arrive together
    without: tuple[str, ...]  # labels
    sample: int | None
    encoder: ModelSettings
    method: Method
    k: int | None  # None: that of the labels
    ks: tuple[int, ...]  # tried instead, if there are any
    seeds: int  # runs
    seed: int
    seed_texts: int | None
    half_life: float | None
    seed_from_all: bool  # as of `Stream`
    recipe: Refinement
    bundle: Path | None  # folder to write one to, of `dec`
    work: Path | None  # None: embeddings are not kept
    checkpoints: Path


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it."""

    examples: Examples
    fingerprint: str  # of the encoder before any refinement
    result: Chosen | Grouped


def run(options: ClusterOptions, *, now: datetime, progress: Progress = lambda *_: None) -> Found:
    """Read, embed, cluster, judge.

    Args:
        options: what and how.
        now: of the bundle, if one is written.
        progress: told after every step of the stages `embed`, `refine` and `choose`.

    Raises:
        ConfigurationError: the data, the encoder or the numbers do not fit.
        PredictorError: the encoder failed on the texts.
        KeyboardInterrupt: a signal asked to stop a refinement; the same call goes on.
    """
    examples = sampled(
        read_examples(options.path, options.columns),
        without=options.without,
        count=options.sample,
        seed=options.seed,
    )
    total = len(examples.kept)
    k = options.k or len(examples.label_names)
    _require(_LEAST <= k < total, f"--k: expected 2 to {total - 1}, below the number of texts, got {k}")
    most = total // 2
    wrong = [number for number in options.ks if not _LEAST <= number <= most]
    _require(not wrong, f"--choose-k: expected 2 to {most}, half of the texts, got {max(wrong, default=0)}")
    stream = _stream(options, examples, k) if options.method == "online" else None
    if options.bundle is not None:
        require_writable(options.bundle)
        require_enough(examples.labels, folds=_HEAD_FOLDS, part="part of the cross-validation")
    predictor, encoder = load_embedder(options.encoder)
    if options.method == "dec" and not options.ks:
        require_no_dense(encoder)
    texts = _embedded(options, predictor, examples, progress)
    seeds = range(options.seed, options.seed + options.seeds)
    fingerprint = encoder.fingerprint
    result: Chosen | Grouped
    if options.ks:
        result = _choose(options, texts, progress)
    elif options.method == "dec":
        result = _refine(options, texts, encoder, k, seeds, now, progress)
    else:
        result = group(texts, k=k, method=options.method, seeds=seeds, stream=stream)
    return Found(examples, fingerprint, result)


def _require(holds: bool, message: str) -> None:  # noqa: FBT001 - what must hold
    if not holds:
        raise ConfigurationError(message)


def _stream(options: ClusterOptions, examples: Examples, k: int) -> Stream:
    first, total = options.seed_texts or default_seed_texts(k), len(examples.kept)
    got = f"{first}" if options.seed_texts else f"{first}, the default"
    _require(k <= first < total - 1, f"--seed-texts: expected {k} (--k) to {total - 2} of {total} texts, got {got}")
    topics = None if options.columns.slice is None else np.asarray([row.slice for row in examples.kept])
    return Stream(first, topics, options.half_life, options.seed_from_all)


def _embedded(options: ClusterOptions, predictor: Predictor, examples: Examples, progress: Progress) -> Embedded:
    texts = examples.texts

    def embed_some(some: Sequence[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return embed(predictor, some, tick=lambda count: progress("embed", count, len(texts)))

    if options.work is None:
        return Embedded(examples, embed_some(texts))
    fingerprint = predictor.card.fingerprint
    return Embedded(examples, remembered(options.work, encoder=fingerprint, texts=texts, embed=embed_some))


def _choose(options: ClusterOptions, texts: Embedded, progress: Progress) -> Chosen:
    tried = try_all(
        texts.embeddings,
        texts.examples.labels,
        ks=options.ks,
        runs=options.seeds,
        seed=options.seed,
        tick=lambda done: progress("choose", done, len(options.ks) * options.seeds),
    )
    return Chosen(tried, suggest(tried))


def _refine(  # noqa: PLR0917 - what a run has found so far
    options: ClusterOptions,
    texts: Embedded,
    encoder: Encoder,
    k: int,
    seeds: Sequence[int],
    now: datetime,
    progress: Progress,
) -> Grouped:
    recipe = options.recipe
    with asked_to_stop() as stop:
        refined = refine(
            encoder,
            options.encoder,
            Part(texts.examples, texts.embeddings),
            recipe,
            k=k,
            work=options.checkpoints,
            tick=lambda done: progress("refine", done, recipe.steps),
            stop=stop,
        )
    if options.bundle is not None:
        facts = RefinedFacts(c=0.0, recipe=recipe, k=k, texts=len(texts.examples.kept), looks=refined.looks)
        write_refined(_bundle(options, options.bundle, now), encoder, texts.examples, refined, facts, now=now)
    return regroup(texts, refined, k=k, seeds=seeds, facts={"recipe": asdict(recipe)})


def _bundle(options: ClusterOptions, out: Path, now: datetime) -> FitOptions:
    return FitOptions(
        path=options.path,
        columns=options.columns,
        out=out,
        name=out.resolve().name,
        version=f"{now:%Y-%m-%d}.1",
        data_name=options.path.name,
        citation="",
        licence="",
        encoder=options.encoder,
        seed=options.seed,
        folds=_HEAD_FOLDS,
        recipe=None,
        validation=None,
        work=options.checkpoints,
    )
