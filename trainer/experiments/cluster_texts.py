"""From a file of labelled texts to clusters of their embeddings, judged."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from textsieve.trainer.bundles.model_card import DecFacts
from textsieve.trainer.bundles.writing import BundleOptions, TrainedModel, write_model
from textsieve.trainer.clustering.choose_k import score_each_k, suggest
from textsieve.trainer.clustering.dec import DecResult
from textsieve.trainer.clustering.dec_config import DecConfig
from textsieve.trainer.clustering.dec_run import refine
from textsieve.trainer.clustering.online import Stream
from textsieve.trainer.clustering.results import (
    ChooseKResult,
    ClusteringResult,
    cluster_by_seed,
    result_of_dec,
)
from textsieve.trainer.clustering.scores import Method, default_seed_texts
from textsieve.trainer.data.embedded_examples import EmbeddedExamples
from textsieve.trainer.data.examples import Examples
from textsieve.trainer.data.reading import Columns, read_examples
from textsieve.trainer.data.sampling import sampled
from textsieve.trainer.evaluation.cross_validation import require_enough
from textsieve.trainer.fit import Progress
from textsieve.trainer.training.embedding import embed
from textsieve.trainer.training.fine_tuned_model import require_no_dense
from textsieve.trainer.training.interruption import stop_on_signal
from textsieve.trainer.training.linear_probe import fit_linear_probe
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.bundle.writing import require_writable
from textsieve.worker.inference.loading import load_embedder
from textsieve.worker.inference.networks.encoder import Encoder
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
    config: DecConfig
    bundle: Path | None  # folder to write one to, of `dec`
    work: Path | None  # None: embeddings are not kept
    checkpoints: Path


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """What came of it."""

    examples: Examples
    fingerprint: str  # of the encoder before any refinement
    result: ChooseKResult | ClusteringResult


def run(options: ClusterOptions, *, now: datetime, progress: Progress = lambda *_: None) -> ClusterReport:
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
    embeddings = embed(
        predictor, examples.texts, cache=options.work, tick=lambda count: progress("embed", count, total)
    )
    texts = EmbeddedExamples(examples, embeddings)
    seeds = range(options.seed, options.seed + options.seeds)
    fingerprint = encoder.fingerprint
    result: ChooseKResult | ClusteringResult
    if options.ks:
        result = _choose(options, texts, progress)
    elif options.method == "dec":
        result = _refine(options, texts, encoder, k, seeds, now, progress)
    else:
        result = cluster_by_seed(texts, k=k, method=options.method, seeds=seeds, stream=stream)
    return ClusterReport(examples, fingerprint, result)


def _require(holds: bool, message: str) -> None:  # noqa: FBT001 - what must hold
    if not holds:
        raise ConfigurationError(message)


def _stream(options: ClusterOptions, examples: Examples, k: int) -> Stream:
    first, total = options.seed_texts or default_seed_texts(k), len(examples.kept)
    got = f"{first}" if options.seed_texts else f"{first}, the default"
    _require(k <= first < total - 1, f"--seed-texts: expected {k} (--k) to {total - 2} of {total} texts, got {got}")
    topics = None if options.columns.slice is None else np.asarray([row.slice for row in examples.kept])
    return Stream(first, topics, options.half_life, options.seed_from_all)


def _choose(options: ClusterOptions, texts: EmbeddedExamples, progress: Progress) -> ChooseKResult:
    tried = score_each_k(
        texts.embeddings,
        texts.examples.labels,
        ks=options.ks,
        runs=options.seeds,
        seed=options.seed,
        tick=lambda done: progress("choose", done, len(options.ks) * options.seeds),
    )
    return ChooseKResult(tried, suggest(tried))


def _refine(  # noqa: PLR0917 - what a run has found so far
    options: ClusterOptions,
    texts: EmbeddedExamples,
    encoder: Encoder,
    k: int,
    seeds: Sequence[int],
    now: datetime,
    progress: Progress,
) -> ClusteringResult:
    config = options.config
    with stop_on_signal() as stop:
        refined = refine(
            encoder,
            options.encoder,
            texts,
            config,
            k=k,
            work=options.checkpoints,
            tick=lambda done: progress("refine", done, config.steps),
            stop=stop,
        )
    if options.bundle is not None:
        _write(options, options.bundle, texts.examples, encoder, refined, k=k, now=now)
    return result_of_dec(texts, refined, k=k, seeds=seeds, facts={"recipe": asdict(config)})


def _write(
    options: ClusterOptions,
    out: Path,
    examples: Examples,
    encoder: Encoder,
    refined: DecResult,
    *,
    k: int,
    now: datetime,
) -> None:
    """Write the refined encoder with a linear probe of its own: that of another would read what it never learned."""
    found = fit_linear_probe(refined.embeddings, examples.labels, folds=_HEAD_FOLDS, seed=options.seed)
    facts = DecFacts(
        c=found.probe.chosen_c, config=options.config, k=k, texts=len(examples.kept), snapshots=refined.snapshots
    )
    bundle = BundleOptions(
        out=out,
        name=out.resolve().name,
        version=f"{now:%Y-%m-%d}.1",
        data=options.path,
        data_name=options.path.name,
        normalized=options.columns.normalize,
        seed=options.seed,
    )
    weight, bias = found.probe.head()
    write_model(bundle, TrainedModel(weight, bias, found.report, facts), encoder, examples, now=now)
