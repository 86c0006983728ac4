"""Compares methods on the same folds: each answer is kept, so that a long comparison can be done in pieces."""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from textsieve.trainer.data.atomic_write import write_atomically
from textsieve.trainer.data.examples import Examples
from textsieve.trainer.data.label_descriptions import Descriptions, described_by_name, require_described
from textsieve.trainer.data.reading import Columns, read_examples
from textsieve.trainer.data.splits import Split, folds, given_split
from textsieve.trainer.evaluation.target_metric import target_columns, target_metric_name
from textsieve.trainer.experiments.experiment_data import (
    DESCRIBED,
    EMBEDDED,
    MEGABYTE,
    METHODS,
    ExperimentData,
    Fold,
    FoldEmbeddings,
    Method,
    MethodResult,
    sample_shots,
    texts_per_second,
)
from textsieve.trainer.experiments.methods import run
from textsieve.trainer.experiments.ranking import Ranking, rank_methods
from textsieve.trainer.fit import Progress
from textsieve.trainer.training.config import TrainingConfig
from textsieve.trainer.training.embedding import embed
from textsieve.trainer.training.own_classifier import is_own, make_own_classifier, own_source
from textsieve.worker.errors import ConfigurationError
from textsieve.worker.inference.loading import load_embedder
from textsieve.worker.inference.model_folder.model_files import file_sha256, weight_files
from textsieve.worker.settings import ModelSettings

_OLDER_COLUMNS = frozenset(
    {"slice", "separator", "normalize"}
)  # named though unset, so that older work folders are still read


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """What is compared."""

    data: Path
    columns: Columns
    methods: tuple[Method, ...]
    folds: int
    run_folds: tuple[int, ...]  # which of them; what another process has done in the work folder is not done again
    given_split: bool  # the file's own split, in the slice column, takes the place of folds
    positive: str | None  # the label whose F1 counts; None: of two exclusive ones the rarer, else the mean of all
    draws: int  # of training texts, for methods that see a few of each label
    descriptions: Descriptions  # those of the labels by their names if there are none
    encoder: ModelSettings
    config: TrainingConfig
    work: Path


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """A comparison."""

    examples: Examples
    f1_of: str  # what `f1` is the F1 of
    judged: int  # texts
    ranking: Ranking


def compare(options: ComparisonOptions, *, progress: Progress = lambda *_: None) -> ComparisonResult:
    """Run what is missing, then judge.

    Raises:
        ConfigurationError: data, methods or descriptions do not fit.
        PredictorError: a model failed on the texts.
        KeyboardInterrupt: interrupted; the same call goes on from the work folder.
    """
    examples = read_examples(options.data, options.columns)
    names = examples.label_names
    options = replace(options, descriptions=options.descriptions or described_by_name(names))
    _require_runnable(options, examples, names)
    parts = _parts(options, examples)
    found = _results(options, examples, names, parts, progress)
    tests = [examples.pick(part.test).targets(names) for part in parts.values()]
    columns = target_columns(examples, names, positive=options.positive)
    return ComparisonResult(
        examples=examples,
        f1_of=target_metric_name(columns, names),
        judged=sum(map(len, tests)),
        ranking=rank_methods(found, tests, columns=columns, seed=options.config.seed),
    )


def _parts(options: ComparisonOptions, examples: Examples) -> dict[str, Split]:
    """What is learned and what is answered, by the name of its folder."""
    if options.given_split:
        return {"given-split": given_split(examples)}
    cuts = folds(examples, count=options.folds, seed=options.config.seed)
    return {f"fold-{number}": cuts[number] for number in options.run_folds}


def _require_runnable(options: ComparisonOptions, examples: Examples, names: Sequence[str]) -> None:
    own = [method.kind for method in options.methods if is_own(method.kind)]
    unknown = sorted({method.name for method in options.methods if method.kind not in (*METHODS, *own)})
    if unknown or not options.methods:
        raise ConfigurationError(
            f"--methods: expected some of {', '.join(METHODS)}, or MODULE:FACTORY (-8 after a name: from 8 texts of "
            f"each label), got {', '.join(unknown) or 'none'}"
        )
    if len(names) < 2:  # noqa: PLR2004 - nothing to choose between
        raise ConfigurationError(f"{options.data}: expected at least 2 labels, got {len(names)}")
    for name in own:
        make_own_classifier(name)
    target_columns(examples, names, positive=options.positive)  # refused before the minutes are spent
    if any(method.kind in DESCRIBED for method in options.methods):
        require_described(options.descriptions, names)
    exclusive = [method.name for method in options.methods if method.kind in (*DESCRIBED, "prototypes")]
    if exclusive and examples.multi_label:
        raise ConfigurationError(f"--methods: {exclusive[0]} needs exclusive labels, got lists; leave it out")


def _results(
    options: ComparisonOptions,
    examples: Examples,
    names: tuple[str, ...],
    parts: Mapping[str, Split],
    progress: Progress,
) -> dict[str, list[list[MethodResult]]]:
    embedder, encoder = load_embedder(options.encoder)
    embedded = any(method.kind in EMBEDDED for method in options.methods)
    embeddings = None
    if embedded:
        total = len(examples.texts)
        embeddings = embed(
            embedder, examples.texts, cache=options.work, tick=lambda count: progress("embed", count, total)
        )
    shared = ExperimentData(
        embedder=embedder,
        embedding_seconds=1 / texts_per_second(embedder.predict, examples.texts) if embedded else 0.0,
        encoder_megabytes=sum(path.stat().st_size for path in weight_files(encoder.files.path)) / MEGABYTE,
        settings=options.encoder,
        config=options.config,
        descriptions=options.descriptions,
        progress=progress,
        normalize=options.columns.normalize,
    )
    draws = {method: 1 if method.shots is None else options.draws for method in options.methods}
    steps = len(parts) * sum(draws.values())
    found: dict[str, list[list[MethodResult]]] = {method.name: [[] for _ in range(draws[method])] for method in draws}
    for name, part in parts.items():
        fold = Fold(
            train=examples.pick(part.train),
            test=examples.pick(part.test),
            embeddings=None
            if embeddings is None
            else FoldEmbeddings(train=embeddings[part.train], test=embeddings[part.test]),
            names=names,
            work=options.work / name,
        )
        for method, count in draws.items():
            for draw in range(count):
                seen = sample_shots(
                    fold, method, draw=draw, seed=(options.config.seed, zlib.crc32(name.encode()), draw)
                )
                path = seen.work / f"{method.name}-{_identity(options, method, encoder.fingerprint)}.json"
                found[method.name][draw].append(_saved_result(path) or _run(method, seen, shared, path))
                progress("methods", 1, steps)
    return found


def _run(method: Method, fold: Fold, shared: ExperimentData, path: Path) -> MethodResult:
    result = run(method.kind, fold, shared)
    write_atomically(path, json.dumps(asdict(result) | {"decided": result.decided.astype(int).tolist()}))
    return result


def _saved_result(path: Path) -> MethodResult | None:
    if not path.is_file():
        return None
    content = msgspec.json.decode(path.read_bytes())
    return MethodResult(**{**content, "decided": np.asarray(content["decided"], dtype=np.bool_)})


def _identity(options: ComparisonOptions, method: Method, fingerprint: str) -> str:
    """Changes with whatever an outcome depends on: what was answered under other options is not used again."""
    parts = [
        file_sha256(options.data),
        {name: value for name, value in asdict(options.columns).items() if value or name in _OLDER_COLUMNS},
        options.folds,
        asdict(options.config),
        fingerprint,
        dict(options.descriptions) if method.kind in DESCRIBED else {},
        *([file_sha256(own_source(method.kind))] if is_own(method.kind) else ()),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
